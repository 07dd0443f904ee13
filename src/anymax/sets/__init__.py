"""Sets of values as data: an activation's range, a loss's domain and its targets."""

from anymax.sets.base import Either as Either
from anymax.sets.base import Placement as Placement
from anymax.sets.base import Set as Set
from anymax.sets.interval import NOT_NEGATIVE as NOT_NEGATIVE
from anymax.sets.interval import POSITIVE as POSITIVE
from anymax.sets.interval import REALS as REALS
from anymax.sets.interval import UNIT as UNIT
from anymax.sets.interval import Interval as Interval
from anymax.sets.labels import CLASSES as CLASSES
from anymax.sets.labels import Classes as Classes
from anymax.sets.labels import Raw as Raw
from anymax.sets.labels import Signs as Signs
from anymax.sets.rows import SIMPLEX as SIMPLEX
from anymax.sets.rows import Ball as Ball
from anymax.sets.rows import LogSimplex as LogSimplex
from anymax.sets.rows import Simplex as Simplex
