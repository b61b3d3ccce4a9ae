"""AlexNet, fine-tuned, and a linear SVM on its layer fc7: Di & Patel's tattoo detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness import Detector, FailureToEnroll, Image, Matcher, TrainingSet, parameter
from harness.errors import Damaged, UsageError
from harness.training.embedding import EmbeddingMatcher
from harness.training.preparation import FloatStack, colour_stack, gray_stack, local_contrast
from harness.training.sampling import Stream

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from harness.training.onnx_recipe import Recipe

    from .network import AlexNet, TorchvisionAlexNet

_SVM = "svm.safetensors"

_SURROUNDINGS = 12
"""Share of an image's side that contrast is local to, as `local_contrast` has by default."""

_AT_ONCE = 64
"""Training images decoded at a time for the SVM."""


@dataclass
class AlexnetSvm(EmbeddingMatcher, Detector):
    """AlexNet fine-tuned for the task at hand; a linear SVM on fc7 detects, fc7 itself matches.

    Where a protocol says which images show a tattoo, the network learns that by a softmax of two,
    and an SVM is trained on fc7 of the training images; its margin decides, squeezed into [0, 1] by
    a logistic function, so that .5 is the SVM's own border. Where a protocol gives identities
    instead, the softmax is over those of the training set, and fc7 is compared by cosine
    similarity; nothing of that is in the paper, which matches with another network. By default the
    network then sees the local contrast of gray images: colours tell tattoos from other things, but
    not one from another, least of all across media.

    The preset ``paper`` trains as the paper does, for 10,500 iterations from ImageNet weights
    (hours without a GPU; nothing else here needs one). Those come from a file of BVLC's AlexNet
    (``weights=FILE``, see docs/alexnet-svm.md), or with ``network=torchvision`` from torchvision,
    whose AlexNet is another one: other widths, no groups, no local response normalisation.
    Without either, ``start=random`` trains from scratch. Where the paper is silent, Caffe's
    fine-tuning example speaks: batches of 50 and a weight decay of 5e-4, which spares biases.

    The default learns from scratch in seconds: a quarter of the paper's width on images of 96
    pixels, weights at first by He et al. (2015), and Adam.
    """

    network: str = parameter(
        "caffe", "The paper's, or torchvision's.", choices=("caffe", "torchvision")
    )
    start: str = parameter("random", "Weights at first.", choices=("imagenet", "random"))
    weights: str = parameter("", "File with ImageNet weights of BVLC's AlexNet.")
    size: int = parameter(96, "Side of the images the network sees, in pixels.", minimum=63)
    margin: int = parameter(
        8, "Pixels more before cropping, anywhere in training and the middle after.", minimum=0
    )
    contrast: str = parameter(
        "matching",
        "Where the network sees local contrast, not colours.",
        choices=("never", "matching", "always"),
    )
    width: float = parameter(
        0.25, "Share of the paper's channels and units.", minimum=0.01, maximum=1
    )
    filler: str = parameter("msra", "Caffe's name of random weights.", choices=("gaussian", "msra"))
    bias: float = parameter(0.0, "Where BVLC's definition has not 0 at first: see AlexNet.")
    iterations: int = parameter(400, "Training steps.", minimum=0)
    batch_size: int = parameter(64, "Images of a step.", minimum=1)
    solver: str = parameter("adam", "Way down the loss.", choices=("sgd", "adam"))
    learning_rate: float = parameter(1e-3, "Of weights, at first; of biases twice that.", minimum=0)
    step: int = parameter(300, "Iterations between changes of the learning rate.", minimum=1)
    gamma: float = parameter(0.1, "Factor of such a change.", minimum=0, maximum=1)
    momentum: float = parameter(0.9, "Of SGD; first beta of Adam.", minimum=0, maximum=0.999)
    weight_decay: float = parameter(0.0, "L2 penalty on weights, not biases.", minimum=0)
    svm_lambda: float = parameter(
        0.01, "Regularisation of the SVM; C is 1 / (lambda n).", minimum=1e-9
    )
    svm_iterations: int = parameter(10_000, "Iterations of its solver at most.", minimum=1)

    compare = Matcher.compare

    citation: ClassVar[str] = (
        "Di & Patel, Deep Tattoo Recognition, CVPR Workshops 2016, section 2.1"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "network": "caffe",
            "start": "imagenet",
            "size": 227,
            "margin": 29,
            "contrast": "never",
            "width": 1.0,
            "filler": "gaussian",
            "bias": 1.0,
            "iterations": 10_500,
            "batch_size": 50,
            "solver": "sgd",
            "learning_rate": 1e-4,
            "step": 3_500,
            "gamma": 0.1,
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "svm_lambda": 0.01,
            "svm_iterations": 10_000,
        },
        "check": {"iterations": 8, "width": 0.05, "size": 63, "margin": 0},
    }

    def fit(self, train: TrainingSet) -> None:
        """Fine-tune the network, then train the SVM where there are tattoos to detect.

        Raises
        ------
        UsageError
            If ImageNet weights are wanted and cannot be had.
        ValueError
            If there are not two classes to tell apart.
        LookupError
            If the protocol says neither which images show tattoos nor whose they are.
        """
        import torch

        tattoo = _given(train, "tattoo")
        named = train.identities if tattoo is None else tattoo
        classes, labels = np.unique(named, return_inverse=True)
        if len(classes) < 2:
            what = "an identity" if tattoo is None else "a tattoo or none"
            raise ValueError(
                f"nothing to tell apart: all {len(train)} training images show the same ({what}); "
                "alexnet-svm needs two classes"
            )
        self.detects_ = tattoo is not None
        network = self._start()
        stack = torch.from_numpy(self._whole(train.images))
        network.mean.copy_(stack.mean(dim=(0, 2, 3))[:, None, None])
        self._fine_tune(network, stack, torch.from_numpy(labels), train)
        self.network_ = network.eval()
        self.svm_: npt.NDArray[np.float64] | None = None
        if tattoo is not None:
            self._train_svm(train.images, tattoo)

    def detect_batch(self, images: Sequence[Image]) -> Sequence[float | FailureToEnroll]:
        """Return where fc7 of each image lies: above .5 on the SVM's side of tattoos.

        Raises
        ------
        RuntimeError
            Before `fit`, or after one that did not say which images show tattoos.
        """
        svm = vars(self).get("svm_")
        if svm is None:
            raise RuntimeError("AlexnetSvm has not learned from images with and without tattoos")
        rows = np.asarray(self.extract_batch(images), np.float64).reshape(len(images), -1)
        # Sums of one row each: the bits of a matrix product depend on how many rows it has.
        margins = (rows * svm[:-1]).sum(axis=1) + svm[-1]
        return [float(score) for score in 0.5 * (1 + np.tanh(margins / 2))]

    def build(self) -> AlexNet | TorchvisionAlexNet:
        """Return the network of the seed, before any ImageNet weights."""
        from harness.training.seeding import generator, seeded

        from .network import AlexNet, TorchvisionAlexNet

        if self.network == "torchvision":
            with seeded(self.seed):
                return TorchvisionAlexNet()
        return AlexNet(
            self.size,
            self.width,
            filler=self.filler,
            bias=self.bias,
            generator=generator(self.seed),
        )

    def prepare(self, images: Sequence[Image]) -> FloatStack:
        """Return the middle of the scaled images: RGB in [0, 1], or three times local contrast."""
        return self._whole(images)[:, :, self._middle, self._middle]

    def describe(self, network: nn.Module, prepared: Tensor) -> Tensor:
        """Return fc7 after its rectifier, as Caffe's in-place layer leaves it."""
        fc7: Tensor = network(prepared)
        return fc7

    def onnx_graph(self) -> tuple[nn.Module, Recipe]:
        """Return contrast, crop, mean and the network up to fc7; the SVM is left out."""
        from torch import nn

        from harness.training.onnx_export import Described, LocalContrast
        from harness.training.onnx_recipe import Recipe

        side, middle = self.size + self.margin, self._middle

        def described(network: nn.Module, images: Tensor) -> Tensor:
            return self.describe(network, images[:, :, middle, middle].expand(-1, 3, -1, -1))

        graph: nn.Module = Described(self.network_, described)
        if not self._sees_contrast:
            return graph, Recipe(side, side)
        contrast = LocalContrast(side, side, sigma=side / _SURROUNDINGS, deviation=1.0)
        return nn.Sequential(contrast, graph), Recipe(side, side, colour="gray")

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the way down: biases twice as fast as weights, and spared from decay."""
        from harness.training.schedules import solver

        optimiser = solver(
            network, self.solver, momentum=self.momentum, weight_decay=self.weight_decay
        )
        for group in optimiser.param_groups:
            if group["multiplier"] != 1:  # the biases
                group["weight_decay"] = 0.0
        return optimiser

    def save(self, folder: Path) -> None:
        """Write the network and the SVM, where there is one."""
        from safetensors.numpy import save_file

        super().save(folder)
        svm = vars(self).get("svm_")
        if svm is not None:
            save_file({"svm": svm}, folder / _SVM)

    def load(self, folder: Path) -> None:
        """Restore what `save` wrote.

        Raises
        ------
        Damaged
            If a file is not whole, or of a network with other parameters.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        super().load(folder)
        self.svm_, self.detects_ = None, (folder / _SVM).exists()
        if self.detects_:
            try:
                self.svm_ = load_file(folder / _SVM)["svm"]
            except (OSError, SafetensorError, KeyError) as reason:
                raise Damaged(
                    f"cannot read the SVM in {folder / _SVM}: {reason}; run the fit again"
                ) from reason

    @property
    def _sees_contrast(self) -> bool:
        """Whether this model was trained on local contrast."""
        return self.contrast == "always" or (self.contrast == "matching" and not self.detects_)

    @property
    def _middle(self) -> slice:
        """What the network sees of each side outside training."""
        return slice(self.margin // 2, self.margin // 2 + self.size)

    def _whole(self, images: Sequence[Image]) -> FloatStack:
        """Scale images to the size that crops are taken from: shape (n, 3, side, side)."""
        side = self.size + self.margin
        if not self._sees_contrast:
            return colour_stack(images, side, side)
        gray = gray_stack(images, side, side)
        contrast = local_contrast(gray, sigma=side / _SURROUNDINGS, deviation=1.0)
        return np.repeat(contrast, 3, axis=1)

    def _start(self) -> AlexNet | TorchvisionAlexNet:
        """Return the network with the weights that training starts from."""
        from .imagenet import load_bvlc, load_torchvision
        from .network import AlexNet

        network = self.build()
        if self.weights and (self.start == "random" or self.network == "torchvision"):
            raise UsageError(
                f"weights={self.weights} is a file of BVLC's AlexNet and would not be used: it "
                "goes with start=imagenet and network=caffe"
            )
        if self.start == "random":
            return network
        if not isinstance(network, AlexNet):
            load_torchvision(network)
        elif self.weights:
            load_bvlc(network, self.weights)
        else:
            raise UsageError(
                "the paper starts from ImageNet weights of BVLC's AlexNet, which nobody offers "
                "for download in a format without code in it. Name a converted file with "
                "--param weights=FILE (docs/alexnet-svm.md says how), take torchvision's AlexNet "
                "with --param network=torchvision, or train from scratch with --param start=random"
            )
        return network

    def _fine_tune(
        self,
        network: AlexNet | TorchvisionAlexNet,
        stack: Tensor,
        labels: Tensor,
        train: TrainingSet,
    ) -> None:
        """Train the network with a new last layer on random crops and flips, then drop the layer.

        Every image once before any comes again, as Caffe reads its data.
        """
        import torch
        from torch import nn

        from harness.training.augmentation import flipped
        from harness.training.descent import Descent
        from harness.training.objectives import SoftmaxObjective
        from harness.training.schedules import StepPolicy
        from harness.training.seeding import generator

        from .network import fill

        fc8 = nn.Linear(network.units, int(labels.max()) + 1)
        fill(fc8, 0.01, 0.0, generator(self.seed + 1))
        objective = SoftmaxObjective(
            network, fc8, lambda images: flipped(_cropped(images, self.size))
        )
        order = Stream(len(stack), self.seed)

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            drawn = torch.from_numpy(order.batch(step, self.batch_size)[share])
            return stack[drawn], labels[drawn]

        self.learning_curve_ = Descent(
            objective,
            batch,
            self.optimiser(objective),
            StepPolicy(self.learning_rate, self.step, self.gamma),
            self.iterations,
            seed=self.seed,
            devices=self.chosen_devices(),
            checkpoints=train.checkpoints,
            progress=train.progress,
            ahead=True,
        ).run()

    def _train_svm(self, images: Sequence[Image], tattoo: npt.NDArray[np.bool_]) -> None:
        """Find the border between fc7 of images with and without a tattoo."""
        from sklearn.svm import LinearSVC

        rows = np.array(
            [
                template
                for start in range(0, len(images), _AT_ONCE)
                for template in self.extract_batch(images[start : start + _AT_ONCE])
            ],
            np.float64,
        )
        machine = LinearSVC(
            C=1 / (self.svm_lambda * len(rows)),
            loss="hinge",
            dual=True,
            max_iter=self.svm_iterations,
            random_state=self.seed,
        )
        machine.fit(rows, tattoo)
        self.svm_ = np.append(machine.coef_[0], machine.intercept_[0])


def _cropped(images: Tensor, size: int) -> Tensor:
    """Cut a square of `size` pixels out of each image, every place equally likely."""
    import torch

    room = images.shape[-1] - size
    corners = torch.randint(room + 1, (len(images), 2)).tolist()
    cut = [
        image[:, top : top + size, left : left + size]
        for image, (top, left) in zip(images, corners, strict=True)
    ]
    return torch.stack(cut)


def _given(train: TrainingSet, truth: str) -> Any:
    """Return a truth, or None where the protocol does not give it."""
    try:
        return getattr(train, truth)
    except LookupError:
        return None
