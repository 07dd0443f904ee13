"""Training: fit, what it records, what it calls, and how it takes the rows."""

from anymax.training.callbacks import Callback as Callback
from anymax.training.callbacks import EarlyStopping as EarlyStopping
from anymax.training.fit import fit as fit
from anymax.training.history import Epoch as Epoch
from anymax.training.history import History as History
