"""Checks of hyper-parameters that several activations share."""

import math
import numbers


def finite(owner: str, name: str, value: float) -> float:
    """The value as a Python float, which leaves the dtype of arrays it meets alone."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{owner} needs a number for {name}; got {value!r}.")
    if not math.isfinite(value):
        raise ValueError(f"{owner} needs a finite {name}; got {value:g}.")
    return float(value)


def positive(owner: str, name: str, value: float) -> float:
    """The same for a number that must be > 0."""
    number = finite(owner, name, value)
    if not number > 0:
        raise ValueError(f"{owner} needs {name} > 0; got {number:g}.")
    return number
