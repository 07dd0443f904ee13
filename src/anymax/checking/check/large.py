"""Large inputs: the smallest that leave the numbers though the truth does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import flat
from anymax.checking.check.report import Finding
from anymax.checking.check.roles import X
from anymax.checking.check.setting import PRODUCT
from anymax.types import Array, quiet

SCALES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e4)
OVERFLOW = 1e150  # below it nothing that is right has to be inf


@quiet
def unstable(seen: Observation, rng: np.random.Generator) -> Finding | None:
    """The smallest inputs that give inf or NaN where the truth is neither."""
    noise = rng.normal(size=seen.x.shape)
    lines = (noise, 1 + 0.1 * noise, -1 - 0.1 * noise)
    found = []
    for way in lines:
        for which, f in (("forward", _forward), ("backward", _backward)):
            broken = _breaks(partial(_along, f, seen, way))
            if broken is not None:
                at = flat(broken * way)
                found.append((float(np.abs(at).max()), which, broken * way))
                break
    if not found:
        return None
    size, which, x = min(found, key=lambda each: each[0])
    word = "a" if seen.setting.subject.loss else "z"
    f = _forward if which == "forward" else _backward
    x_word = seen.setting.subject.word(X)
    came = f(seen, x)
    bad = int(np.argmax(~np.isfinite(came)))
    return Finding(
        "unstable",
        f"From about |{word}| = {size:.4g} on the {which} gives {came[bad]}, where the "
        "true answer is an ordinary number: something overflows, or is 0 / 0.",
        {f"largest |{word}|": size, "gives": float(came[bad]), "where": which},
        f"{x_word} = {x_word} - {x_word}.max(-1, keepdims=True)  # before np.exp"
        if not seen.setting.subject.loss
        else "np.logaddexp(0, z), scipy.special.xlogy or a shifted log-sum-exp",
    )


def _along(
    f: Callable[[Observation, Array], Array], seen: Observation, way: Array, s: float
) -> Array:
    return f(seen, s * way)


def _forward(seen: Observation, x: Array) -> Array:
    return flat(seen.setting.value(x, seen.y))


def _backward(seen: Observation, x: Array) -> Array:
    setting = seen.setting
    g = seen.g if setting.kind == PRODUCT else None
    return flat(setting.answer(x, g, seen.y))


def _breaks(f: Callable[[float], Array]) -> float | None:
    """The scale from which on f is not finite, if it was far from overflow before."""
    good = 1.0
    try:
        for scale in SCALES:
            if np.all(np.isfinite(f(scale))):
                good = scale
                continue
            bad = scale
            for _ in range(50):
                middle = (good + bad) / 2
                if np.all(np.isfinite(f(middle))):
                    good = middle
                else:
                    bad = middle
            return bad if np.abs(f(good)).max() < OVERFLOW else None
    except Exception:
        return None
    return None
