"""Chain, Residual, Gate, Concatenate and Parallel: maps put together in five ways."""

from __future__ import annotations

from anymax.activation import Activation
from anymax.activations.identity import Identity
from anymax.graph import Node
from anymax.layers.joining import Add, Join, Multiply
from anymax.map import Coupling, Map
from anymax.network import Network
from anymax.sets import REALS, Set


class Combined(Network):
    """What the ways share: maps in the order of their arguments."""

    def __init__(self, *maps: Map) -> None:
        self.maps = checked(self.name, maps)

    @property
    def coupling(self) -> Coupling:  # type: ignore[override]
        inner = {each.coupling for each in self.maps}
        return "batch" if "batch" in inner else "row" if "row" in inner else "element"

    def split(self) -> tuple[Network, Activation]:
        """The whole of it, and Identity(): only a chain ends in one map."""
        return self, Identity()


class Chain(Combined):
    """y = f_k(... f_1(x)); g J = g J_k ... J_1, and each map's parameters on the way.

    Layers, activations and other networks in any order. Before use it is built, by
    `build(64)` or by `am.fit`. The same object placed twice is one map: its parameters
    are there once, and their gradients add up. A chain within a chain, once that is
    built, is a network of its own on the same numbers.

    Raises TypeError for what is no map; on building ShapeError for widths that do not
    fit, and for a map to the simplex over one output, which is always 1.

    >>> import anymax as am
    >>> net = am.Chain(am.Dense(3), am.Softmax()).build(2, seed=0)
    >>> net([[0.0, 0.0]])
    array([[0.33333334, 0.33333334, 0.33333334]], dtype=float32)
    >>> net.parameters.shape, list(net.named_parameters())
    ((9,), ['0.weight', '0.bias'])
    """

    @property
    def range(self) -> Set:  # type: ignore[override]
        return self.maps[-1].range if self.maps else REALS

    @property
    def arity(self) -> int:  # type: ignore[override]
        return self.maps[0].arity if self.maps else 1

    def nodes(self) -> tuple[Node, ...]:
        before = [tuple(range(self.arity))]
        before += [(self.arity + i,) for i in range(len(self.maps) - 1)]
        return tuple(Node(*each) for each in zip(self.maps, before, strict=False))

    def split(self) -> tuple[Network, Activation]:
        """What comes before the last map, and that map; nested chains are looked into.

        A chain that ends in a layer ends in Identity().
        """
        if self.maps and isinstance(self.maps[-1], Activation):
            return Chain(*self.maps[:-1]), self.maps[-1]
        if self.maps and isinstance(self.maps[-1], Chain):
            trunk, last = self.maps[-1].split()
            return Chain(*self.maps[:-1], trunk), last
        return self, Identity()


class Residual(Combined):
    """y = x + f(x); the input gets g + g J. Several maps are a chain f.

    Raises ShapeError on building if f changes the shape.
    Source: He et al., CVPR 2016, arXiv:1512.03385.

    >>> import anymax as am
    >>> net = am.Residual(am.Dense(2, kernel="ones")).build(2)
    >>> net([1.0, 2.0])
    array([4., 5.], dtype=float32)
    """

    def nodes(self) -> tuple[Node, ...]:
        inner = Chain(*self.maps).nodes()
        return (*inner, Node(Add(), (0, len(inner))))


class Gate(Combined):
    """y = f(x) * h(x), element by element; both take the same input.

    With h ending in a softmax or a sigmoid it weighs the outputs of f, as attention and
    gated units do. Raises TypeError for other than two maps, ShapeError on building
    if their outputs differ in shape.
    Source: Dauphin et al., ICML 2017, arXiv:1612.08083.

    >>> import anymax as am
    >>> gate = am.Gate(am.Dense(2, kernel="ones"), am.Chain(am.Dense(2), am.Softmax()))
    >>> gate.build(3)([0.0, 0.0, 0.0])
    array([0., 0.], dtype=float32)
    """

    def __init__(self, value: Map, gate: Map) -> None:
        self.value, self.gate = value, gate
        self.maps = checked(self.name, (value, gate))

    def nodes(self) -> tuple[Node, ...]:
        return (
            Node(self.value, (0,)),
            Node(self.gate, (0,)),
            Node(Multiply(), (1, 2)),
        )


class Concatenate(Combined):
    """y = f_1(x), f_2(x), ... side by side on the last axis; all take the same input.

    Raises ShapeError on building if outputs differ in more than their width.

    >>> import anymax as am
    >>> net = am.Concatenate(am.Identity(), am.ReLU()).build(2)
    >>> net([-1.0, 2.0])
    array([-1.,  2.,  0.,  2.], dtype=float32)
    """

    def nodes(self) -> tuple[Node, ...]:
        count = len(self.maps)
        inner = tuple(Node(each, (0,)) for each in self.maps)
        return (*inner, Node(Join(), tuple(range(1, count + 1))))


class Parallel(Combined):
    """y = f_1(x_1), f_2(x_2), ... side by side on the last axis: an input for each map.

    Build it with a shape for each, `build(8, 3)`, and call it with as many arrays.
    Raises ShapeError on building if outputs differ in more than their width.

    >>> import anymax as am
    >>> net = am.Parallel(am.Identity(), am.ReLU()).build(1, 2)
    >>> net([3.0], [-1.0, 2.0])
    array([3., 0., 2.], dtype=float32)
    """

    @property
    def arity(self) -> int:  # type: ignore[override]
        return len(self.maps)

    def nodes(self) -> tuple[Node, ...]:
        count = len(self.maps)
        inner = tuple(Node(each, (i,)) for i, each in enumerate(self.maps))
        return (*inner, Node(Join(), tuple(range(count, 2 * count))))


def checked(name: str, maps: tuple[Map, ...]) -> tuple[Map, ...]:
    """The maps, each of them one."""
    for given in maps:
        if not isinstance(given, Map):
            raise TypeError(
                f"{name} needs layers and activations, as Dense(32); got {given!r}."
            )
    return maps
