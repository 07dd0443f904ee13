"""anymax: any activation with any loss, at any layer, with exact derivatives."""

from anymax.activation import Activation as Activation
from anymax.activations import *
from anymax.certificate import Certificate as Certificate
from anymax.checking.check import CheckError as CheckError
from anymax.checking.check import check as check
from anymax.checking.gradient import GradientCheck as GradientCheck
from anymax.checking.gradient import gradient_error as gradient_error
from anymax.checking.lint import LintReport as LintReport
from anymax.checking.lint import lint as lint
from anymax.combine import Chain as Chain
from anymax.combine import Concatenate as Concatenate
from anymax.combine import Gate as Gate
from anymax.combine import Parallel as Parallel
from anymax.combine import Residual as Residual
from anymax.described import Described as Described
from anymax.errors import DomainError as DomainError
from anymax.errors import ShapeError as ShapeError
from anymax.explaining import Explanation as Explanation
from anymax.functional import entmax as entmax
from anymax.functional import log_softmax as log_softmax
from anymax.functional import logsumexp as logsumexp
from anymax.functional import softmax as softmax
from anymax.functional import sparsemax as sparsemax
from anymax.jacobian import Affine as Affine
from anymax.jacobian import Centering as Centering
from anymax.jacobian import Diagonal as Diagonal
from anymax.jacobian import Explicit as Explicit
from anymax.jacobian import Jacobian as Jacobian
from anymax.jacobian import Product as Product
from anymax.jacobian import RankOne as RankOne
from anymax.jacobian import Sum as Sum
from anymax.kernels import set_num_threads as set_num_threads
from anymax.layers import *
from anymax.loading import Checkpoint as Checkpoint
from anymax.loading import load as load
from anymax.loading import load_checkpoint as load_checkpoint
from anymax.loss import Loss as Loss
from anymax.losses import *
from anymax.map import Linearization as Linearization
from anymax.map import Map as Map
from anymax.map import Parameter as Parameter
from anymax.monomial import Monomial as Monomial
from anymax.monomial import Slope as Slope
from anymax.network import Network as Network
from anymax.noise import Key as Key
from anymax.objective import Objective as Objective
from anymax.optim import *
from anymax.output import Output as Output
from anymax.output import Tangent as Tangent
from anymax.pair import Pair as Pair
from anymax.plan import Plan as Plan
from anymax.sets import Ball as Ball
from anymax.sets import Classes as Classes
from anymax.sets import Interval as Interval
from anymax.sets import LogSimplex as LogSimplex
from anymax.sets import Raw as Raw
from anymax.sets import Set as Set
from anymax.sets import Signs as Signs
from anymax.sets import Simplex as Simplex
from anymax.trainable import Trainable as Trainable
from anymax.training import Callback as Callback
from anymax.training import EarlyStopping as EarlyStopping
from anymax.training import Epoch as Epoch
from anymax.training import History as History
from anymax.training import fit as fit

__version__ = "0.1.0"
