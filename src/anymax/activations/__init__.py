"""Activations, one a file. Adding one is its file and a line here."""

from anymax.activations.entmax import Entmax as Entmax
from anymax.activations.gumbel_softmax import GumbelSoftmax as GumbelSoftmax
from anymax.activations.l2_normalize import L2Normalize as L2Normalize
from anymax.activations.log_softmax import LogSoftmax as LogSoftmax
from anymax.activations.normalized import Normalized as Normalized
from anymax.activations.normalized_sigmoid import NormalizedSigmoid as NormalizedSigmoid
from anymax.activations.sigmoid import Sigmoid as Sigmoid
from anymax.activations.softmax import Softmax as Softmax
from anymax.activations.softmin import Softmin as Softmin
from anymax.activations.sparsemax import Sparsemax as Sparsemax
from anymax.activations.spherical_softmax import SphericalSoftmax as SphericalSoftmax
from anymax.activations.standardize import Standardize as Standardize
from anymax.activations.taylor_softmax import TaylorSoftmax as TaylorSoftmax

__all__ = [name for name in dir() if name[0].isupper()]
