"""Optimizers of one flat vector, one a file. Adding one is its file and a line."""

from anymax.optim.adam import Adam as Adam
from anymax.optim.sgd import SGD as SGD

__all__ = ["SGD", "Adam"]
