"""Layers: maps with parameters, one a file. Adding one is its file and a line here."""

from anymax.layers.dense import Dense as Dense

__all__ = ["Dense"]
