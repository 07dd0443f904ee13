"""Layers: maps with parameters, one a file. Adding one is its file and a line here."""

from anymax.layers.batch_norm import BatchNorm as BatchNorm
from anymax.layers.columns import Columns as Columns
from anymax.layers.dense import Dense as Dense
from anymax.layers.dropout import Dropout as Dropout
from anymax.layers.embedding import Embedding as Embedding
from anymax.layers.flatten import Flatten as Flatten
from anymax.layers.gaussian_noise import GaussianNoise as GaussianNoise
from anymax.layers.layer_norm import LayerNorm as LayerNorm
from anymax.layers.reshape import Reshape as Reshape
from anymax.layers.rms_norm import RMSNorm as RMSNorm

__all__ = [
    "BatchNorm",
    "Columns",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "LayerNorm",
    "RMSNorm",
    "Reshape",
]
