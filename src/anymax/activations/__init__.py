"""Activations, one a file. Adding one is its file and its name here."""

from anymax.activations.celu import CELU as CELU
from anymax.activations.elu import ELU as ELU
from anymax.activations.entmax import Entmax as Entmax
from anymax.activations.exp import Exp as Exp
from anymax.activations.gelu import GELU as GELU
from anymax.activations.gumbel_softmax import GumbelSoftmax as GumbelSoftmax
from anymax.activations.hard_sigmoid import HardSigmoid as HardSigmoid
from anymax.activations.hard_swish import HardSwish as HardSwish
from anymax.activations.hard_tanh import HardTanh as HardTanh
from anymax.activations.identity import Identity as Identity
from anymax.activations.l2_normalize import L2Normalize as L2Normalize
from anymax.activations.leaky_relu import LeakyReLU as LeakyReLU
from anymax.activations.log_sigmoid import LogSigmoid as LogSigmoid
from anymax.activations.log_softmax import LogSoftmax as LogSoftmax
from anymax.activations.mish import Mish as Mish
from anymax.activations.normalized import Normalized as Normalized
from anymax.activations.normalized_sigmoid import NormalizedSigmoid as NormalizedSigmoid
from anymax.activations.prelu import PReLU as PReLU
from anymax.activations.relu import ReLU as ReLU
from anymax.activations.selu import SELU as SELU
from anymax.activations.sigmoid import Sigmoid as Sigmoid
from anymax.activations.silu import SiLU as SiLU
from anymax.activations.soft_cap import SoftCap as SoftCap
from anymax.activations.softmax import Softmax as Softmax
from anymax.activations.softmin import Softmin as Softmin
from anymax.activations.softplus import Softplus as Softplus
from anymax.activations.softsign import Softsign as Softsign
from anymax.activations.sparsemax import Sparsemax as Sparsemax
from anymax.activations.spherical_softmax import SphericalSoftmax as SphericalSoftmax
from anymax.activations.standardize import Standardize as Standardize
from anymax.activations.swish import Swish as Swish
from anymax.activations.tanh import Tanh as Tanh
from anymax.activations.taylor_softmax import TaylorSoftmax as TaylorSoftmax
from anymax.activations.thresholded_relu import ThresholdedReLU as ThresholdedReLU

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Entmax",
    "Exp",
    "GumbelSoftmax",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Identity",
    "L2Normalize",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "Normalized",
    "NormalizedSigmoid",
    "PReLU",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "SoftCap",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softsign",
    "Sparsemax",
    "SphericalSoftmax",
    "Standardize",
    "Swish",
    "Tanh",
    "TaylorSoftmax",
    "ThresholdedReLU",
]
