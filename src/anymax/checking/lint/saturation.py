"""Rows whose outputs do not move any more, so that no gradient passes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anymax.activation import Activation
from anymax.checking.lint.meeting import fits
from anymax.checking.lint.report import Finding
from anymax.graph import linearized
from anymax.losses import Matching
from anymax.lowering import unrolled
from anymax.map import Arrays
from anymax.meeting import Meeting
from anymax.network import Network
from anymax.pair import Pair
from anymax.types import Array, quiet

FLAT = 1e-6  # the largest derivative of a row by which it counts as flat
STEEP = 1e-3  # a slope of the loss by which a row is not where it should be


@quiet
def hidden(net: Network, inputs: Arrays) -> Iterator[Finding]:
    """Activations before the last map through which some rows pass no gradient."""
    trunk, _ = net.split()
    steps, _ = unrolled(trunk)
    values = dict(enumerate(inputs))
    for step in steps:
        taken = tuple(values[i] for i in step.takes)
        own, kept = net.views(step.map), net.kept_views(step.map)
        values[step.gives], _ = linearized(step.map, taken, own, kept, False, None)
        if not isinstance(step.map, Activation):
            continue
        share = float(np.mean(_flat(step.map.bind(own), taken[0])))
        if share > 0:
            yield Finding(
                "saturated",
                f"in {share:.0%} of the rows no gradient passes {step.map!r} at "
                f"{step.name}: all its derivatives are below {FLAT:g}.",
                "x = (x - x.mean(0)) / x.std(0)  # or smaller weights before it",
            )


@quiet
def last(pair: Pair, meeting: Meeting) -> Iterator[Finding]:
    """Rows at the last map that are wrong and flat: nothing moves them back.

    Where the loss's slope cancels against the flatness, rows do move back. A row whose
    outputs are its targets is right, whatever the slope there.
    """
    if pair.fused:
        return
    place = meeting.point.fixed.place()
    slope = np.abs(meeting.slope.resolve(place).top).max(-1, initial=0)
    down = np.abs(meeting.gradient()[0]).max(-1, initial=0)
    flat = _flat(pair.activation, meeting.point.output.z)
    off = np.abs(meeting.point.output.a - meeting.target.values).max(-1, initial=0)
    stuck = flat & (down < FLAT) & ~(slope < STEEP) & ~(off < STEEP)
    if stuck.any():
        yield _stuck(pair, float(stuck.mean()), "are wrong, and")


@quiet
def without_targets(pair: Pair, z: Array) -> Iterator[Finding]:
    """Flat rows at the last map, for a loss whose slope does not cancel that."""
    if pair.fused:
        return
    share = float(np.mean(_flat(pair.activation, z)))
    if share > 0:
        yield _stuck(pair, share, "are where")


def _stuck(pair: Pair, share: float, how: str) -> Finding:
    name, matching = pair.activation.name, Matching()
    known = fits(pair.activation, matching)
    other = f"loss = am.{matching!r}" if known else "x = (x - x.mean(0)) / x.std(0)"
    return Finding(
        "saturated",
        f"{share:.0%} of the rows {how} {name} is flat, all derivatives below "
        f"{FLAT:g}: {pair.loss.name} cannot move them back.",
        f"{other}  # or smaller logits",
    )


def _flat(activation: Activation, z: Array) -> Array:
    """Rows in which no output moves with any input, (...)."""
    J = activation.jacobian(z)
    size = np.abs(np.asarray(J.diagonal()))
    return np.asarray(size.max(-1, initial=0) < FLAT) & np.isfinite(z).all(-1)
