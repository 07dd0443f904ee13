"""Training: fit, what it records, and how it takes the rows."""

from anymax.training.fit import fit as fit
from anymax.training.history import Epoch as Epoch
from anymax.training.history import History as History
