"""What algorithms with a torch network share, whatever their ability: where it runs, its file."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.api import parameter

if TYPE_CHECKING:
    from torch import nn

    from harness.training.engine import Devices

FILE = "network.safetensors"


@dataclass
class TrainedNetwork:
    """Stands before the ability among the bases of an algorithm: ``(TrainedNetwork, Segmenter)``.

    A derived class defines `build`; its `fit` puts the trained network into `network_`. Nothing
    here imports torch before it is needed.
    """

    device: str = parameter("cpu", "Where it is trained and run.", choices=("cpu", "cuda", "mps"))
    devices: int = parameter(
        1, "Devices that train together, each a share of every batch.", minimum=1
    )
    precision: str = parameter(
        "float32", "Of products in training.", choices=("float32", "bfloat16")
    )

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network with its initial weights, which follow from `seed`."""

    def chosen_devices(self) -> Devices:
        """Return where a fit runs."""
        from harness.training.engine import Devices

        return Devices(self.device, self.devices, self.precision)

    def trained(self, method: str) -> nn.Module:
        """Return the trained network, on its device.

        Parameters
        ----------
        method
            That needs it, for the message.

        Raises
        ------
        RuntimeError
            Before `fit` or `load`.
        """
        network: nn.Module | None = vars(self).get("network_")
        if network is None:
            raise RuntimeError(
                f"{type(self).__name__} has learned nothing yet: call fit or load before {method}"
            )
        return network.to(self.device)

    def save(self, folder: Path) -> None:
        """Write the weights of the network; nothing is written before a fit."""
        network = vars(self).get("network_")
        if network is not None:
            from harness.training.weights import save_weights

            save_weights(network, folder / FILE)

    def load(self, folder: Path) -> None:
        """Restore the weights that `save` wrote, so that every answer is the same as before.

        Raises
        ------
        Damaged
            If the file is not whole, or of a network with other parameters.
        """
        from harness.training.weights import load_weights

        network = self.build()
        load_weights(network, folder / FILE)
        self.network_ = network.eval()
