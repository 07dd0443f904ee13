"""Optimizers of one flat vector, one a file. Adding one is its file and a line."""

from anymax.optim.adadelta import AdaDelta as AdaDelta
from anymax.optim.adagrad import Adagrad as Adagrad
from anymax.optim.adam import Adam as Adam
from anymax.optim.adamw import AdamW as AdamW
from anymax.optim.lbfgs import LBFGS as LBFGS
from anymax.optim.lion import Lion as Lion
from anymax.optim.rmsprop import RMSProp as RMSProp
from anymax.optim.schedule import OnPlateau as OnPlateau
from anymax.optim.schedules import Constant as Constant
from anymax.optim.schedules import Cosine as Cosine
from anymax.optim.schedules import OneCycle as OneCycle
from anymax.optim.schedules import StepDecay as StepDecay
from anymax.optim.schedules import Warmup as Warmup
from anymax.optim.sgd import SGD as SGD

__all__ = [
    "LBFGS",
    "SGD",
    "AdaDelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Lion",
    "OnPlateau",
    "OneCycle",
    "RMSProp",
    "StepDecay",
    "Warmup",
]
