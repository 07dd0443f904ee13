"""Kinks, jumps and large numbers: where a map is not smooth, or leaves the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from anymax.checking.check.observing import Observation
from anymax.checking.check.probing import flat, one_sided
from anymax.checking.check.report import Finding
from anymax.checking.check.setting import DERIVATIVE, GRADIENT, MATRIX, PRODUCT, matrix
from anymax.types import Array, quiet

SPECIAL = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 6.0)
SCALES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e4)
OVERFLOW = 1e150  # below it nothing that is right has to be inf
GRID = 97


@quiet
def kink(seen: Observation) -> Finding | None:
    """A derivative at a kink that is not between the slopes beside it."""
    for x, j, t in _special(seen):
        try:
            found = _at(seen, x, j, t)
        except Exception:
            continue
        if found is not None:
            return found
    return None


def _special(seen: Observation) -> Iterator[tuple[Array, int, float]]:
    """Points with one number where maps like to have kinks: round z, or round a - y."""
    j = 1 if seen.x.size > 1 else 0
    for t in SPECIAL:
        places = [t]
        if seen.setting.subject.loss:
            # 0 and 1 are where probabilities end, not where a loss has a kink
            target = float(np.ravel(seen.y)[j]) if np.shape(seen.y) == seen.x.shape else 0
            places = [p for p in (t, target + t) if p not in (0, 1)]
        for place in places:
            x = np.array(seen.x, copy=True)
            x.flat[j] = place
            yield x, j, place


def _at(seen: Observation, x: Array, j: int, t: float) -> Finding | None:
    setting, y = seen.setting, seen.y
    if not np.all(np.isfinite(setting.value(x, y))):
        return None
    left, right = one_sided(lambda at: setting.value(at, y), x, j)
    near = [setting.value(x + s * 1e-7 * (np.arange(x.size) == j).reshape(x.shape), y)
            for s in (-1, 1)]  # fmt: skip
    jump = max(float(np.max(np.abs(n - setting.value(x, y)))) for n in near)
    if not np.all(np.isfinite([*left, *right])) or jump > 1e-4 * (1 + abs(t)):
        return None
    claim = _column(seen, x, y, j)
    if setting.kind == GRADIENT:
        left, right = left.sum(keepdims=True), right.sum(keepdims=True)
    allowed = 1e-4 * (1 + np.abs(left) + np.abs(right))
    low, high = np.minimum(left, right) - allowed, np.maximum(left, right) + allowed
    if np.all((low <= claim) & (claim <= high)):
        return None
    worst = int(np.argmax(np.where(np.isnan(claim), np.inf, np.maximum(low - claim, claim - high))))
    word = "a" if setting.subject.loss else "z"
    smooth = np.all(np.abs(left - right) <= allowed)
    evidence = {
        f"{word}[{j}]": t,
        "returned": float(claim[worst]),
        "slope to the left": float(left[worst]),
        "slope to the right": float(right[worst]),
    }
    if smooth:
        return Finding(
            "kink",
            f"At {word}[{j}] = {t:g} alone the answer is {claim[worst]:.4g}, and the "
            f"derivative there is {left[worst]:.4g}, the same from both sides: the "
            "formula makes an exception that the map does not make.",
            evidence,
            f"d = {left[worst]:.4g}  # at {word} == {t:g}",
        )
    return Finding(
        "kink",
        f"The map has a kink at {word}[{j}] = {t:g}, with slopes {left[worst]:.4g} and "
        f"{right[worst]:.4g} beside it; the answer there is {claim[worst]:.4g}, which is "
        "not between them.",
        evidence,
        f"np.where({word} == {t:g}, {left[worst]:.4g}, derivative)"
        "  # any number between the two slopes",
    )


def _column(seen: Observation, x: Array, y: Array | None, j: int) -> Array:
    """The claimed derivatives by the j-th number, of all outputs."""
    setting, out = seen.setting, seen.setting.value(x, seen.y)
    if setting.kind == GRADIENT:
        return flat(setting.answer(x, None, y))[j : j + 1]
    if setting.kind == DERIVATIVE:
        column = np.zeros(out.size)
        column[j] = flat(setting.answer(x, None, y))[j]
        return column
    if setting.kind == MATRIX:
        return matrix(setting.answer(x, None, y), setting.layout, x, out)[:, j]
    still = flat(setting.answer(x, np.zeros(out.shape), y))[j]
    column = np.zeros(out.size)
    for i in range(out.size):
        unit = np.zeros(out.shape)
        unit.flat[i] = 1
        column[i] = flat(setting.answer(x, unit, y))[j] - still
    return column


@quiet
def jump(seen: Observation, rng: np.random.Generator) -> Finding | None:
    """A jump of the value along a line through the inputs."""
    setting, y = seen.setting, seen.y
    middle = np.zeros_like(seen.x)
    if y is not None and np.shape(y) == seen.x.shape:
        middle = np.asarray(y, np.float64)
    lines = [np.ones_like(seen.x), rng.normal(size=seen.x.shape), rng.normal(size=seen.x.shape)]
    for direction in lines:
        # beside the origin, where a map may have its one singular point
        start = middle + 0.05 * seen.x

        def f(t: float, start: Array = start, way: Array = direction) -> Array:
            return flat(setting.value(start + t * way, y))

        found = _jump(f, float(np.max(np.abs(seen.out))))
        if found is not None:
            t, size = found
            return _jumping(seen, start + t * direction, size)
    return None


def _jump(f: Callable[[float], Array], size: float) -> tuple[float, float] | None:
    """Where f jumps and by how much: intervals that rise are halved until they do not."""
    grid = np.linspace(-4.03, 4.01, GRID)
    try:
        values = np.stack([f(t) for t in grid])
    except Exception:
        return None
    rises = np.abs(np.diff(values, axis=0)).max(1)
    if not np.all(np.isfinite(rises)):
        return None
    scale = float(np.max(np.abs(values), initial=0)) + size + 1e-12
    for k in np.argsort(-rises)[:4]:
        low, high = float(grid[k]), float(grid[k + 1])
        if rises[k] < 1e-4 * scale:
            break
        found = _halved(f, low, high)
        if found[1] > 1e-5 * scale:
            return found
    return None


def _halved(f: Callable[[float], Array], low: float, high: float) -> tuple[float, float]:
    below, above = f(low), f(high)
    for _ in range(36):
        middle = (low + high) / 2
        at = f(middle)
        if np.abs(at - below).max() >= np.abs(above - at).max():
            high, above = middle, at
        else:
            low, below = middle, at
    return (low + high) / 2, float(np.abs(above - below).max())


def _jumping(seen: Observation, x: Array, size: float) -> Finding:
    word = "a" if seen.setting.subject.loss else "z"
    return Finding(
        "discontinuity",
        f"The value jumps by {size:.4g} where nothing but a small step is made: its "
        "pieces do not meet, and no derivative can tell of the jump.",
        {word: flat(x)[: x.shape[-1]], "jump": size},
        "value = np.where(inside, one, other)  # one == other where they meet",
    )


@quiet
def unstable(seen: Observation, rng: np.random.Generator) -> Finding | None:
    """The smallest inputs that give inf or NaN where the truth is an ordinary number."""
    noise = rng.normal(size=seen.x.shape)
    lines = (noise, 1 + 0.1 * noise, -1 - 0.1 * noise)
    found = []
    for way in lines:
        for which, f in (("forward", _forward), ("backward", _backward)):
            broken = _breaks(lambda s, f=f, way=way: f(seen, s * way))  # type: ignore[misc]
            if broken is not None:
                at = flat(broken * way)
                found.append((float(np.abs(at).max()), which, broken * way))
                break
    if not found:
        return None
    size, which, x = min(found, key=lambda each: each[0])
    word = "a" if seen.setting.subject.loss else "z"
    f = _forward if which == "forward" else _backward
    came = f(seen, x)
    bad = int(np.argmax(~np.isfinite(came)))
    return Finding(
        "unstable",
        f"From about |{word}| = {size:.4g} on the {which} gives {came[bad]}, where the "
        "true answer is an ordinary number: something overflows, or is 0 / 0.",
        {f"largest |{word}|": size, "gives": float(came[bad]), "where": which},
        f"{word} = {word} - {word}.max(-1, keepdims=True)  # before np.exp"
        if not seen.setting.subject.loss
        else "np.logaddexp(0, z), scipy.special.xlogy or a shifted log-sum-exp",
    )


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
