"""Which array a parameter means, told by its name: input, output, target, upstream."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from anymax.checking.check.report import CheckError

X, OUT, TARGET, UP, CACHE = "x", "out", "y", "g", "cache"

SAID = {
    X: """z x input inputs incoming inp in logit logits score scores net preact
    preactivation raw xs zs""",
    OUT: """a y out output outputs outgoing s p prob probs probability probabilities
    softmax sigmoid tanh relu activated activation activations result yhat h sm fx""",
    UP: """g grad grads gradient gradients gradoutput gradout outputgrad outputgradient
    outgrad dout dy da dl above upstream delta deltas error err top dldy dlda dldout
    dvalues nextgrad grady grada gy cotangent ct accumgrad dvalue downstream dz""",
    CACHE: "cache ctx context saved memory tape stored",
}
SAID_OF_A_LOSS = {
    X: """a p pred preds prediction predictions predicted ypred yhat output outputs out
    probs prob probabilities probability logits logit z x o score scores guess guesses
    input inputs incoming outgoing estimate q yp h activation activations s""",
    TARGET: """y t target targets ytrue label labels truth truths true actual actuals
    expected desired groundtruth gt yt onehot""",
    UP: """g grad grads gradient gradoutput gradout dout dl above upstream""",
    OUT: "value loss cost",
    CACHE: SAID[CACHE],
}
TOKENS = {"z": X, "x": X, "a": OUT, "y": OUT, "g": UP, "cache": CACHE}
TOKENS_OF_A_LOSS = {"a": X, "z": X, "x": X, "y": TARGET, "t": TARGET, "g": UP}


@dataclass(frozen=True)
class Signature:
    """The parameters that must be given, and the role of each; None where unknown."""

    names: tuple[str, ...]
    roles: tuple[str | None, ...]

    @property
    def known(self) -> bool:
        return None not in self.roles and len(set(self.roles)) == len(self.roles)

    def __str__(self) -> str:
        return f"({', '.join(self.names)})"


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the positional parameters that have no default."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        # NumPy's own functions state no signature; they take what `nin` says.
        return ("x", "y")[: getattr(function, "nin", 1)]
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    return tuple(p.name for p in found if p.kind in positional and p.default is p.empty)


def backward_of_map(function: Callable[..., Any], names: Sequence[str]) -> Signature:
    """The roles of a map's backward; `function` gives the names if there are none."""
    names = tuple(names) or parameters(function)
    roles: list[str | None] = [_look(name, SAID) for name in names]
    if len(names) > 1 and roles.count(X) > 1:
        roles = [None if role == X else role for role in roles]
    return Signature(names, tuple(roles))


def of_a_loss(function: Callable[..., Any]) -> Signature:
    """The roles of a loss or of its gradient; unknown ones by their order."""
    names = parameters(function)
    roles = [_look(name, SAID_OF_A_LOSS) for name in names]
    if roles.count(TARGET) == 2:
        # (y, t): the plain y is what came out, where the other name says target
        weak = [i for i, name in enumerate(names) if _plain(name) in ("y", "expected")]
        if len(weak) == 1:
            roles[weak[0]] = X
    free = [role for role in (X, TARGET) if role not in roles]
    doubled = roles.count(X) == 2 or roles.count(TARGET) == 2
    if doubled:
        roles = [None if role in (X, TARGET) else role for role in roles]
        free = [X, TARGET]
    for i, role in enumerate(roles):
        if role is None and free:
            roles[i] = free.pop(0)
    return Signature(names, tuple(roles))


def told(args: str | Sequence[str], names: Sequence[str], loss: bool) -> Signature:
    """The roles that `args` says, as "z,a,g"."""
    tokens = args.split(",") if isinstance(args, str) else list(args)
    tokens = [token.strip() for token in tokens if token.strip()]
    table = TOKENS_OF_A_LOSS if loss else TOKENS
    wrong = [token for token in tokens if token not in table]
    if wrong:
        raise CheckError(
            f"args needs names among {', '.join(table)}; got {wrong[0]!r}. Write what "
            "the backward takes, in its order, as z,a,g."
        )
    if len(names) > len(tokens):
        raise CheckError(
            f"args needs a name for each of ({', '.join(names)}); got "
            f"{len(tokens)}. Write them in the backward's order, as z,a,g."
        )
    shown = tuple(names) if len(names) == len(tokens) else tuple(tokens)
    return Signature(shown, tuple(table[token] for token in tokens))


def is_target(name: str) -> bool:
    """Whether a forward's second parameter is a target, so that it is a loss."""
    return _look(name, {TARGET: SAID_OF_A_LOSS[TARGET]}) == TARGET


def _look(name: str, table: dict[str, str]) -> str | None:
    for role, said in table.items():
        if _plain(name) in said.split():
            return role
    return None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").rstrip("0123456789")
