"""Tempered: what the maps of z / temperature share."""

from __future__ import annotations

from typing import Any

from anymax.activation import Activation
from anymax.activations.arguments import positive
from anymax.linearized import ActivationLinearization, Fixed, TemperatureTrained
from anymax.trainable import Reached, Trainable
from anymax.types import Array


class Tempered(Activation):
    """A row map of z / T; T = `temperature` > 0 is a number or a Trainable."""

    coupling = "row"
    temperature: Any

    def heat(self, temperature: float | Trainable) -> Any:
        """The temperature's number, checked."""
        if isinstance(temperature, Trainable):
            if temperature.lower is None or temperature.lower < 0:
                raise ValueError(
                    f"{self.name} needs a trainable temperature that stays above 0; "
                    "got no such lower bound. Write Trainable(1.0, lower=0)."
                )
            return self.declare("temperature", temperature)
        return positive(self.name, "temperature", temperature)

    def train(
        self, fixed: Fixed, reached: Reached, theta: Array
    ) -> ActivationLinearization:
        return TemperatureTrained(fixed, reached, ())
