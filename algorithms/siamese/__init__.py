"""Di & Patel's siamese matchers: `contrastive` for mixed media, `triplet` for look-alikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness import parameter
from harness.training.kept_pairs import KeptPairs
from harness.training.sampling import Indices, Sampler

from .matcher import PAPER, SiameseMatcher

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Contrastive(SiameseMatcher):
    """Siamese network; pulls mated pairs together and pushes random others apart.

    Caffe's MNIST example on gray images of 56x46. An image is described by ip2, ten numbers, and
    compared by Euclidean distance. A step has as many mated as non-mated pairs.

    The preset ``paper`` trains as the paper does, for 70,000 iterations (hours): probes with their
    verified references, and with as many unverified ones, drawn once and kept, half of each step;
    pictures cropped, not squeezed, and each flipped by itself. It puts the loss on the layer feat,
    two numbers computed from ip2, as Caffe's example does; the paper does not say. "Decreases by
    10 %" is read as "to 10 %", as the paper's other learning rates do; ``--param gamma=0.9`` is the
    other reading. The default trains for seconds, with the loss on ip2 itself and with non-mated
    pairs made of the images of the mated ones.
    """

    margin: float = parameter(1.0, "Distance from which a non-mated pair is left alone.", minimum=0)
    legacy: bool = parameter(
        default=False, meaning="Loss of Caffe before April 2015: margin - d^2 instead of a square."
    )

    citation: ClassVar[str] = (
        "Di & Patel, Deep Tattoo Recognition, CVPR Workshops 2016, section 2.2"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            **PAPER,
            "descriptor": 10,
            "margin": 1.0,
            "legacy": False,
            "iterations": 70_000,
            "learning_rate": 1e-4,
            "step": 20_000,
        },
        "check": {"iterations": 3},
    }

    def draw(self, sampler: Sampler | KeptPairs, step: int) -> Indices:
        """Draw as many mated as non-mated pairs, or only mated ones, which hold the others."""
        if self.negatives == "batch":
            return sampler.mated(step, self.batch_size)
        return sampler.pairs(step, self.batch_size)

    def loss(self, outputs: Tensor, identities: Tensor) -> Tensor:
        """Return the contrastive loss of the pairs drawn, or of those made of them."""
        from harness.training.losses import contrastive_loss
        from harness.training.mining import batch_pairs

        if self.negatives == "batch":
            pairs = batch_pairs(identities)
            rows, names = outputs.flatten(0, 1), identities.flatten()
            left, right = (rows.index_select(0, numbers) for numbers in pairs)
            mated = names[pairs[0]] == names[pairs[1]]
        else:
            left, right = outputs.unbind(1)
            mated = identities[:, 0] == identities[:, 1]
        return contrastive_loss(left, right, mated, self.margin, legacy=self.legacy)


@dataclass
class Triplet(SiameseMatcher):
    """Siamese network; wants each image nearer to its mate than to any other, by a margin.

    The network of ``contrastive`` with 256 numbers in ip2, the descriptor, compared by
    Euclidean distance. The loss has squared distances.

    The preset ``paper`` trains as the paper does, for 40,000 iterations (hours): a probe, its mate
    among the references and one reference of another identity, drawn once for each mated pair and
    kept; pictures cropped, not squeezed, and each flipped by itself. Which image of a pair is the
    paper's "reference image" it does not say. The paper replaces the loss and does not say where it
    sits; the preset leaves it on feat, two numbers computed from ip2, where Caffe's example has it,
    and ``--param loss_on=ip2`` moves it to the descriptor. The default trains for seconds, with the
    loss on ip2 and every image of another identity in the batch as a negative.
    """

    descriptor: int = parameter(256, "Length of ip2, the descriptor.", minimum=1)
    margin: float = parameter(
        3.0, "Squared distance by which a negative has to be farther.", minimum=0
    )

    citation: ClassVar[str] = (
        "Di & Patel, Deep Tattoo Recognition, CVPR Workshops 2016, section 2.2"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            **PAPER,
            "descriptor": 256,
            "margin": 0.005,
            "iterations": 40_000,
            "learning_rate": 2e-4,
            "step": 10_000,
        },
        "check": {"iterations": 3},
    }

    def draw(self, sampler: Sampler | KeptPairs, step: int) -> Indices:
        """Draw triplets, or the mated pairs that triplets of the batch are made of."""
        if self.negatives == "batch":
            return sampler.mated(step, self.batch_size)
        return sampler.triplets(step, self.batch_size)

    def loss(self, outputs: Tensor, identities: Tensor) -> Tensor:
        """Return the triplet loss of the triplets drawn, or of those that the batch allows."""
        from harness.training.losses import triplet_loss
        from harness.training.mining import batch_triplets

        if self.negatives != "batch":
            anchors, positives, negatives = outputs.unbind(1)
            return triplet_loss(anchors, positives, negatives, self.margin)
        rows = outputs.flatten(0, 1)
        anchors, positives, negatives = (
            rows.index_select(0, numbers) for numbers in batch_triplets(identities)
        )
        return triplet_loss(anchors, positives, negatives, self.margin, violating_only=True)
