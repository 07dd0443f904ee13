"""The pages of the API reference: every public name once, by what it is for."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import NamedTuple

import anymax
import anymax.data
from anymax import initializers, metrics


class Group(NamedTuple):
    """A page of the reference."""

    file: str
    title: str
    said: str
    modules: tuple[str, ...]  # a name is here if its module begins so


GROUPS = (
    Group(
        "pairs",
        "Pairs",
        "An activation meets a loss: values and derivatives by the logits, and what "
        "shows that they are right.",
        ("anymax.pair", "anymax.certificate", "anymax.explaining"),
    ),
    Group(
        "activations",
        "Activations",
        "What every activation can do, then each of them.",
        ("anymax.activation", "anymax.activations"),
    ),
    Group(
        "losses",
        "Losses",
        "What every loss can do, then each of them.",
        ("anymax.loss", "anymax.losses"),
    ),
    Group(
        "layers",
        "Layers",
        "Maps with parameters, what these start from, and the protocol of all maps.",
        ("anymax.map", "anymax.described", "anymax.layers", "anymax.initializers"),
    ),
    Group(
        "networks",
        "Networks",
        "Maps put together, what they are trained on, and the plan that steps.",
        (
            "anymax.combine",
            "anymax.compiled",
            "anymax.composite",
            "anymax.network",
            "anymax.objective",
            "anymax.plan",
            "anymax.noise",
            "anymax.trainable",
            "anymax.tying",
        ),
    ),
    Group(
        "training",
        "Training",
        "`fit`, what it records, what it measures, and what may be called on the way.",
        ("anymax.training", "anymax.metrics", "anymax.callbacks"),
    ),
    Group(
        "optimizers",
        "Optimizers",
        "Rules that step one flat vector, and schedules of their rate.",
        ("anymax.optim",),
    ),
    Group(
        "functions",
        "Functions",
        "With SciPy's arguments.",
        ("anymax.functional",),
    ),
    Group(
        "jacobians",
        "Jacobians",
        "Structures that multiply themselves, and the fractions that cancel in them.",
        ("anymax.jacobian", "anymax.monomial", "anymax.output"),
    ),
    Group(
        "sets",
        "Sets",
        "What an activation reaches and what a loss takes, as data.",
        ("anymax.sets",),
    ),
    Group(
        "files",
        "Files",
        "Networks on the disk.",
        ("anymax.files", "anymax.saving", "anymax.loading"),
    ),
    Group(
        "checks",
        "Checks",
        "Derivatives against finite differences.",
        ("anymax.checking",),
    ),
    Group(
        "data",
        "Data",
        "Sets to try things on, from `anymax.data`; scikit-learn holds the real ones.",
        ("anymax.data",),
    ),
    Group(
        "kernels",
        "Kernels",
        "Native code: its threads and its memory.",
        ("anymax.kernels",),
    ),
    Group("errors", "Errors", "What is raised beside built-ins.", ("anymax.errors",)),
    Group("other", "Other", "What is on no other page.", ("anymax",)),
)


def pages() -> dict[str, str]:
    """The text of each page under its file name."""
    found = {group.file: [] for group in GROUPS}
    for path, module in public():
        found[_group(module).file].append(path)
    made = {}
    for group in GROUPS:
        if found[group.file]:
            made[f"{group.file}.md"] = _page(group, found[group.file])
    made["index.md"] = _index(found)
    return made


# Not in `anymax` itself, but what a user of it meets.
ALSO = (
    ("anymax.compiled.Compiled", "anymax.compiled"),
    ("anymax.optim.optimizer.Optimizer", "anymax.optim.optimizer"),
    *(
        (f"anymax.metrics.{f.__name__}", f.__module__)
        for f in [*metrics.OF_LABELS.values(), *metrics.OF_VALUES.values()]
    ),
    *(
        (f"anymax.initializers.{name}", "anymax.initializers")
        for name in initializers.INITIALIZERS
    ),
)
NETWORK = """::: anymax.Network
    options:
      inherited_members: true
      members:
        - build
        - built
        - __call__
        - logits
        - predict
        - decide
        - compile
        - classes
        - threshold
        - summary
        - save
        - parameters
        - named_parameters
        - kept
        - named_state
        - views
        - dtype
        - astype
"""
COMPILED = """::: anymax.compiled.Compiled
    options:
      members:
        - native
"""
SHOWN = {"anymax.Network": NETWORK, "anymax.compiled.Compiled": COMPILED}


def public() -> list[tuple[str, str]]:
    """Each public name with the module it is written in."""
    listed = []
    for package in (anymax, anymax.data):
        for name in getattr(package, "__all__", vars(package)):
            found = getattr(package, name)
            if name.startswith("_") or isinstance(found, ModuleType):
                continue
            if not (inspect.isclass(found) or callable(found)):
                continue
            path = f"{package.__name__}.{name}"
            if found.__module__.endswith(f".{name}"):  # a file named as its function
                path = f"{found.__module__}.{name}"
            listed.append((path, found.__module__))
    return [*listed, *ALSO]


def _group(module: str) -> Group:
    return next(g for g in GROUPS if any(_within(module, m) for m in g.modules))


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _page(group: Group, names: list[str]) -> str:
    entries = [SHOWN.get(name, f"::: {name}\n") for name in names]
    return "\n".join([f"# {group.title}\n", f"{group.said}\n", *entries])


def _index(found: dict[str, list[str]]) -> str:
    lines = [
        "# API reference",
        "",
        "Everything public, from the docstrings. Most names are those of `anymax` "
        "itself, as in `import anymax as am`.",
        "What is not listed here is not public: see [deprecation](../deprecation.md).",
        "",
        "| page | names |",
        "| --- | --- |",
    ]
    for group in GROUPS:
        names = found[group.file]
        if names:
            said = ", ".join(f"`{name.rpartition('.')[2]}`" for name in names)
            lines.append(f"| [{group.title}]({group.file}.md) | {said} |")
    return "\n".join(lines) + "\n"
