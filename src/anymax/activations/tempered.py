"""Tempered: what the maps of z / temperature share."""

from __future__ import annotations

from typing import Any

from anymax.activation import Activation
from anymax.linearized import ActivationLinearization, Fixed, TemperatureTrained
from anymax.trainable import Reached, Trainable
from anymax.types import Array


class Tempered(Activation):
    """A row map of z / T; T = `temperature` > 0 is a number or a Trainable."""

    coupling = "row"
    temperature: Any

    def heat(self, temperature: float | Trainable) -> Any:
        """The temperature's number, checked."""
        value = self.declare("temperature", temperature)
        if not value > 0:
            raise ValueError(f"{self.name} needs temperature > 0; got {value:g}.")
        return value

    def train(
        self, fixed: Fixed, reached: Reached, theta: Array
    ) -> ActivationLinearization:
        return TemperatureTrained(fixed, reached, ())
