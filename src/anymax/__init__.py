"""anymax: any activation composes with any loss, at any layer, with exact derivatives."""

from anymax.activations import *
from anymax.errors import DomainError as DomainError
from anymax.errors import ShapeError as ShapeError
from anymax.losses import *
from anymax.noise import Key as Key
from anymax.pair import Pair as Pair
from anymax.trainable import Trainable as Trainable
