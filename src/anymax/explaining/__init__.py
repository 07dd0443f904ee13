"""The chain rule of one sample: as data, as text, and as a page.

`Explanation.to_dict()` holds only dicts, lists, strings, numbers, booleans and None, so
that it is JSON. Arrays are nested lists in their own shape; an entry that is no finite
number is one of the strings "inf", "-inf", "nan"; a difference that was not taken is
None. Shapes are lists of whole numbers. `...?` may be None.

    {"title":      str    one line: the pair, or the network and its loss
     "convention": {"row": str, "column": str}      the two ways to write the product
     "inputs":  [Value]   the logits z of a pair, or the inputs x of a network
     "steps":   [Step]    in the order they are computed; the last is the output map
     "loss":    Loss
     "forms":   Forms?}   those of the last step, where the loss has a dL/da

Value: one array with what the loss does as it changes.
    {"name":        str       "z", "x", "0", "2.1"; a parameter: "0.weight"
     "shape":       [int]
     "values":      array
     "gradient":    array?    dL/d(it); None where nothing comes down as numbers
     "differences": array?    the same by finite differences of fourth order
     "error":       float?}   the largest distance of the two, over max(1, norm)

Step: a Value, that of its outputs, named after its place; and besides
    {"map":        str        repr of the map
     "formula":    str        what it computes, in a line
     "takes":      [str]      names of the values it takes: inputs or earlier steps
     "jacobian":   {"structure": str   in words
                    "shape":     [int] (outputs, inputs), each flattened
                    "dense":     [[float]]?  entry [i][j] is d output i / d input j;
                                 of several inputs side by side; None above a width
                    "coupled":   bool  whether one output depends on several inputs
                    "cancelled": str?} what cancelled, and why; the last step only
     "backward":   {"row": str, "column": str}   the product that leads from this
                              step's gradient to its inputs, with all shapes
     "down":       [{"to": str, "values": array}]   what arrives at each input from
                              here; an input taken by several steps adds these up
     "parameters": [Value]    by their names in the network; one that several steps
                              use adds up what arrives in each of them
     "forms":      Forms?}    where the Jacobian couples a row of outputs

Loss:
    {"loss": str, "formula": str, "value": float, "target": array,
     "slope": {"top": array, "over": str, "past": array?}   dL/da = top / over, where
                              over is a product of powers of a, "1" if no fraction;
                              past is what the loss knows as dL/dz, and is added there
     "cancellation": str,     as in jacobian.cancelled of the last step
     "doubt": str?}           why the loss is not meant for this map

Forms: one product J^T g, n outputs, in equal forms.
    {"g": array, "weights": array?   w, the diagonal of J = diag(w) + left right^T
     "equal": [{"name": "matrix" | "double sum" | "structured" | "cancelled"
                "formula": str, "cost": str, "values": array}]
     "terms": [[float]]?}     g_i da_i/dz_j, row i, column j: the columns add up
"""

from anymax.explaining.chain import explanation as explanation
from anymax.explaining.data import Explanation as Explanation
from anymax.explaining.data import Step as Step
from anymax.explaining.data import Value as Value
from anymax.explaining.link import End as End
from anymax.explaining.link import Link as Link
from anymax.explaining.text import rendered as rendered
