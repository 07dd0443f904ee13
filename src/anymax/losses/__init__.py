"""Losses, one a file. Adding one is its file and its name here."""

from anymax.losses.absolute_error import AbsoluteError as AbsoluteError
from anymax.losses.binary_cross_entropy import BinaryCrossEntropy as BinaryCrossEntropy
from anymax.losses.brier import Brier as Brier
from anymax.losses.categorical_hinge import CategoricalHinge as CategoricalHinge
from anymax.losses.cross_entropy import CrossEntropy as CrossEntropy
from anymax.losses.focal import Focal as Focal
from anymax.losses.generalized_cross_entropy import (
    GeneralizedCrossEntropy as GeneralizedCrossEntropy,
)
from anymax.losses.hinge import Hinge as Hinge
from anymax.losses.huber import Huber as Huber
from anymax.losses.jensen_shannon import JensenShannon as JensenShannon
from anymax.losses.kl_divergence import KLDivergence as KLDivergence
from anymax.losses.log_cosh import LogCosh as LogCosh
from anymax.losses.log_spherical import LogSpherical as LogSpherical
from anymax.losses.log_taylor import LogTaylor as LogTaylor
from anymax.losses.matching import Matching as Matching
from anymax.losses.mean_squared_error import MeanSquaredError as MeanSquaredError
from anymax.losses.negative_log_likelihood import (
    NegativeLogLikelihood as NegativeLogLikelihood,
)
from anymax.losses.poisson import Poisson as Poisson
from anymax.losses.poly import Poly as Poly
from anymax.losses.reverse_kl import ReverseKL as ReverseKL
from anymax.losses.spherical_score import SphericalScore as SphericalScore
from anymax.losses.squared_error import SquaredError as SquaredError
from anymax.losses.z_loss import ZLoss as ZLoss

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "Brier",
    "CategoricalHinge",
    "CrossEntropy",
    "Focal",
    "GeneralizedCrossEntropy",
    "Hinge",
    "Huber",
    "JensenShannon",
    "KLDivergence",
    "LogCosh",
    "LogSpherical",
    "LogTaylor",
    "Matching",
    "MeanSquaredError",
    "NegativeLogLikelihood",
    "Poisson",
    "Poly",
    "ReverseKL",
    "SphericalScore",
    "SquaredError",
    "ZLoss",
]
