"""Layers: maps with parameters, one a file. Adding one is its file and a line here."""

from anymax.layers.dense import Dense as Dense

__all__ = [name for name in dir() if name[0].isupper()]
