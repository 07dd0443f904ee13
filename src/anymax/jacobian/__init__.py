"""Structured Jacobians: J = da/dz that multiplies itself in O(n)."""

from anymax.jacobian.at import At as At
from anymax.jacobian.base import Jacobian as Jacobian
from anymax.jacobian.centering import Centering as Centering
from anymax.jacobian.composed import Log as Log
from anymax.jacobian.composed import Moved as Moved
from anymax.jacobian.composed import Product as Product
from anymax.jacobian.composed import Sum as Sum
from anymax.jacobian.diagonal import Diagonal as Diagonal
from anymax.jacobian.plain import Affine as Affine
from anymax.jacobian.plain import Explicit as Explicit
from anymax.jacobian.plain import RankOne as RankOne
