"""Hand the docstrings of anymax to the site as Markdown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))

from docstrings import markdown

FORMULAS = ("anymax.activations.", "anymax.losses.", "anymax.layers.")


class Docstrings(griffe.Extension):
    """Rewrites each docstring once, as it is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a class, a function or an attribute."""
        if obj.docstring is None or obj.is_module:
            return
        first = obj.docstring.value.partition("\n\n")[0]
        formula = obj.is_class and obj.path.startswith(FORMULAS) and "=" in first
        obj.docstring.value = markdown(obj.docstring.value, formula)
