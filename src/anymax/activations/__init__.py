"""Activations, one a file. Adding one is its file and a line here."""

from anymax.activations.sigmoid import Sigmoid as Sigmoid
from anymax.activations.softmax import Softmax as Softmax

__all__ = [name for name in dir() if name[0].isupper()]
