"""Checks of derivatives against finite differences."""

from anymax.checking.gradient import GradientCheck as GradientCheck
from anymax.checking.gradient import gradient_error as gradient_error
