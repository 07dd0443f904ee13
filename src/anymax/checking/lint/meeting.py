"""What the declared ranges, domains and meanings say about a last map and its loss."""

from __future__ import annotations

from collections.abc import Iterator

from anymax import activations, losses
from anymax.activation import Activation
from anymax.checking.cells import describe
from anymax.checking.lint.report import Finding
from anymax.errors import DomainError
from anymax.loss import Loss
from anymax.pair import Pair
from anymax.registry import samples
from anymax.sets import UNIT, LogSimplex, Placement, Raw, Set, Simplex

# What is proposed, the plainest first; the first that fits is.
MAPS = ("Softmax", "LogSoftmax", "Sigmoid", "Softplus", "Identity")
COSTS = ("CrossEntropy", "NegativeLogLikelihood", "Poisson", "SquaredError")


def paired(activation: Activation, loss: Loss) -> tuple[Pair | None, list[Finding]]:
    """The pair, None where it is refused, and what is doubtful about it."""
    try:
        pair = Pair(activation, loss)
    except (DomainError, TypeError) as refusal:
        return None, [_refused(activation, loss, str(refusal))]
    return pair, list(_doubts(pair))


def _refused(activation: Activation, loss: Loss, sentence: str) -> Finding:
    """Why there is no pair: the known mistakes by their names, others as refused."""
    code = _code(activation.range, loss.meant)
    if code == "doubtful-pair":
        code = "undefined-pair"
    return Finding(code, sentence, _fix(activation, loss))


def _doubts(pair: Pair) -> Iterator[Finding]:
    activation, loss = pair.activation, pair.loss
    if pair.doubt:
        code = _code(activation.range, loss.meant)
        yield Finding(code, pair.doubt, _fix(activation, loss))
    if pair.placement is Placement.BOUNDARY:
        yield Finding("boundary", describe(pair)[1], _inside(pair))
    if isinstance(activation.range, Simplex) and _asks_each(loss):
        yield Finding(
            "binary-on-softmax",
            f"{loss.name} asks a yes or no of every output by itself, but those of "
            f"{activation.name} sum to one: each is pulled twice, by its own question "
            "and through the sum.",
            "loss = am.CrossEntropy()  # or end the network in am.Sigmoid()",
        )


def _code(range: Set, meant: Set) -> str:
    """The name of the mistake of handing this range to a loss meant for that."""
    probabilities = isinstance(range, Simplex)
    if isinstance(meant, Raw):
        return "softmax-twice" if probabilities else "doubtful-pair"
    if isinstance(meant, LogSimplex):
        return "likelihood-of-probabilities" if probabilities else "not-probabilities"
    if isinstance(meant, Simplex) and not probabilities:
        if isinstance(range, LogSimplex):
            return "logs-as-probabilities"
        return "sigmoid-exclusive" if UNIT.holds(range) else "not-probabilities"
    return "not-probabilities" if meant == UNIT else "doubtful-pair"


def _asks_each(loss: Loss) -> bool:
    """Whether the targets are a yes or no, or a chance of it, for each output."""
    return loss.targets == UNIT and UNIT.holds(loss.domain)


def _fix(activation: Activation, loss: Loss) -> str:
    """The line that ends it: another loss for logs and simplex, else another map."""
    cost = other_loss(activation) or "SquaredError"
    answered = all(activation.knows(hook) for hook in loss.needs)
    if isinstance(activation.range, Simplex | LogSimplex) or not answered:
        return f"loss = am.{cost}()"
    maps, all_maps = list(MAPS), samples(activations)
    for name in [*maps, *(each for each in all_maps if each not in maps)]:
        map = all_maps[name]
        joint = _asks_each(loss) and isinstance(map.range, Simplex)
        if fits(map, loss) and not joint:
            return f"net = am.Chain(..., am.{map!r})"
    return f"loss = am.{cost}()"


def _inside(pair: Pair) -> str:
    matching = losses.Matching()
    if fits(pair.activation, matching):
        return f"loss = am.{matching!r}  # finite on the edge"
    return _fix(pair.activation, pair.loss)


def other_loss(activation: Activation) -> str | None:
    """The plainest loss that fits a map."""
    for name in COSTS:
        if fits(activation, samples(losses)[name]):
            return name
    return None


def fits(activation: Activation, loss: Loss) -> bool:
    """Whether the loss is defined well after the map, and meant for it."""
    inside = loss.placement(activation.range) is Placement.INSIDE
    known = all(activation.knows(hook) for hook in loss.needs)
    return inside and known and loss.meant.closure.holds(activation.range)
