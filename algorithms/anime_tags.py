"""Tags of a picture from a small convolutional network in Keras: Zhang's anime tagger.

Keras runs on the TensorFlow or the torch backend. TensorFlow must not be imported before torch in
one process, so that this file imports only the one that is asked for, and only in its methods.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from harness import (
    FailureToEnroll,
    Image,
    Matcher,
    Scores,
    Tagger,
    Template,
    TrainingSet,
    parameter,
)
from harness.training.sampling import Stream
from harness.training.words import named_in

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

TAGS, IDENTITIES = "tags", "identities"
BATCH = 32
"""Images answered for at once; always as many, so that an answer does not depend on the others."""


class Copies(NamedTuple):
    """Copies of images with one label each, as folders of tags hold them, in a random order.

    Parameters
    ----------
    images, labels
        int64, shape (copies,): which image, and its one label.
    validation
        bool, shape (copies,): held out of the training.
    """

    images: Ints
    labels: Ints
    validation: npt.NDArray[np.bool_]


@dataclass
class AnimeTags(Tagger, Matcher):
    """The network of the anime tag slides; as a matcher it compares the layer fc512, centred.

    Where it has learned tags, as for a witness's words, it compares the logits of all tags instead,
    centred, with each other or with the tags that a description names.

    Where a protocol gives no tags, as those for matchers, it learns from mated pairs instead: fc512
    is then the last layer, and in a batch of pairs of different identities a softmax over cosines
    asks which image is the mate of each (NT-Xent, Chen et al., ICML 2020).

    The preset ``slides`` is the procedure of the slides (hours): an image is copied into the folder
    of each of its tags, at most 1,000 to a tag, and a softmax learns to name the folder. One image
    in several folders contradicts itself, and its copies fall on both sides of the split into
    training and validation. How many do is counted and shown in the report; ``split=images`` keeps
    the copies of an image on one side. The slides' ``set_layers(input_tensor, train, regularizer)``
    takes an L2 term and a switch for training, and does not show what either does; the loss that
    they print and minimise is the cross-entropy alone, so that the preset has ``l2=0`` and
    ``dropout=0``. In TensorFlow code of that shape they are an L2 penalty of the fully connected
    layers and a dropout after them: ``--param l2=0.0001 --param dropout=0.5``. The default is the
    sound variant, a sigmoid for each tag with binary cross-entropy, on smaller images. The slides
    do not say how pixels are scaled (here to [0, 1]) nor how the fully connected layers start (here
    as the convolutions).
    """

    procedure: str = parameter(
        "sigmoid",
        "All tags of an image at once, or one for each copy.",
        choices=("sigmoid", "softmax"),
    )
    size: int = parameter(32, "Side an image is scaled to, in pixels.", minimum=16)
    epochs: int = parameter(12, "Passes over the training images, or their copies.", minimum=0)
    batch_size: int = parameter(32, "Images of a training step.", minimum=1)
    learning_rate: float = parameter(1e-3, "Of Adam.", minimum=0)
    epsilon: float = parameter(1e-7, "Of Adam.", minimum=0)
    initial: str = parameter(
        "he", "Random weights at the start: He's, or normal with .1.", choices=("he", "slides")
    )
    light: str = parameter(
        "local",
        "Taken out of pixels: what changes slowly, an image's mean and deviation, or nothing.",
        choices=("local", "image", "kept"),
    )
    warp: float = parameter(
        1.0, "Strength of random mirroring, turns, sizes and shifts; 0: none.", minimum=0, maximum=3
    )
    balance: float = parameter(
        0.5, "Weight of a rare tag: its odds to this power; sigmoid only.", minimum=0, maximum=1
    )
    dropout: float = parameter(
        0.1, "Share of fc1024 and fc512 left out of a step.", minimum=0, maximum=0.9
    )
    l2: float = parameter(
        0.0,
        "L2 penalty of the fully connected weights: this times half the sum of their squares.",
        minimum=0,
    )
    per_tag: int = parameter(1000, "Copies of a tag at most; softmax only.", minimum=1)
    validation: float = parameter(
        0.2, "Share of the copies held out; softmax only.", minimum=0, maximum=0.9
    )
    split: str = parameter(
        "copies",
        "What is held out: copies, or images with all copies.",
        choices=("copies", "images"),
    )
    backend: str = parameter("tensorflow", "Of Keras.", choices=("tensorflow", "torch"))

    citation: ClassVar[str] = (
        "Zhang, 2D Anime Image Tag Detecting with Machine Learning (slides), 2019"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "slides": {
            "procedure": "softmax",
            "size": 100,
            "epochs": 400,
            "batch_size": 200,
            "learning_rate": 1e-4,
            "epsilon": 1e-8,
            "initial": "slides",
            "light": "kept",
            "warp": 0.0,
            "dropout": 0.0,
            "l2": 0.0,
            "per_tag": 1000,
            "validation": 0.2,
            "split": "copies",
        },
        "check": {"epochs": 2, "size": 16},
    }

    def fit(self, train: TrainingSet) -> None:
        """Learn the tags of the training images or, where there are none, their identities.

        Raises
        ------
        ValueError
            If no training image carries a tag, or there are no mated pairs of two identities.
        ArithmeticError
            If training diverges.
        """
        pixels = self._scaled(train.images)
        self.notes_: dict[str, float] = {}
        rng = np.random.default_rng(self.seed)
        if train.gives("tags"):
            tags = np.asarray(train.tags, dtype=bool)
            if not tags.any():
                raise ValueError("anime-tags has nothing to learn: no training image has a tag")
            self.learned_, self.vocabulary_ = TAGS, list(train.vocabulary)
            if self.procedure == "softmax":
                copies = copies_of(tags, rng, self.per_tag, self.validation, self.split)
                self.notes_ |= leakage(copies)
                self._train(pixels, copies, tags.shape[1], rng, train)
            else:
                every = np.arange(len(tags))
                alone = Copies(every, every, np.zeros(len(tags), dtype=bool))
                self._train(pixels, alone, tags.shape[1], rng, train, tags)
            return
        self.learned_, self.vocabulary_ = IDENTITIES, []
        self._train_on_pairs(pixels, rng, train)

    def tag_batch(self, images: Sequence[Image]) -> Sequence[Scores | FailureToEnroll]:
        """Return the probability of every tag for each image: float64, shape (tags,).

        Of the sigmoid as it is, so that several may pass 0.5; of the softmax they sum to 1. Weights
        of rare tags (`balance`) raise the sigmoid's.

        Raises
        ------
        RuntimeError
            If it has learned identities, not tags.
        """
        if self.learned_ != TAGS:
            raise RuntimeError("anime-tags was trained without tags, so that it knows none")
        logits = self._answers(images, self._network).astype(np.float64)
        if self.procedure == "sigmoid":
            return list(0.5 * (1 + np.tanh(0.5 * logits)))
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return list(raised / raised.sum(axis=1, keepdims=True))

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        """Return fc512 of each image, or of learned tags the logits, less its mean in training.

        float32, shape (512,) or (tags,).
        """
        return list(self._answers(images, self._compared()) - self.centre_)

    def describe_text(self, query: str) -> Template:
        """Return which of the learned tags are named: float64, shape (tags,), of length 1."""
        return named_in(query, self.vocabulary_)

    def save(self, folder: Path) -> None:
        """Write weights, vocabulary and notes of the training, without pickle."""
        from safetensors.numpy import save_file

        weights = {f"{i:02d}": w for i, w in enumerate(self._network.get_weights())}
        weights["centre"] = self.centre_
        save_file({name: np.ascontiguousarray(w) for name, w in weights.items()}, folder / WEIGHTS)
        facts = {"learned": self.learned_, "vocabulary": self.vocabulary_, "outputs": self.outputs_}
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
        if self.notes_:
            (folder / NOTES).write_text(json.dumps(self.notes_), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Restore what `save` wrote."""
        from safetensors.numpy import load_file

        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        self.learned_, self.vocabulary_ = facts["learned"], facts["vocabulary"]
        self.notes_ = {}
        self._make(int(facts["outputs"]))
        weights = load_file(folder / WEIGHTS)
        self.centre_ = weights.pop("centre")
        self._network.set_weights([weights[name] for name in sorted(weights)])

    def _make(self, outputs: int) -> None:
        """Set up the network, and what gives its layer fc512."""
        keras = self._keras()
        layers, starts = keras.layers, keras.initializers
        numbers = iter(range(1000 * self.seed, 1000 * self.seed + 1000))

        def start() -> Any:
            seed = next(numbers)
            if self.initial == "he":
                return starts.HeNormal(seed=seed)
            return starts.TruncatedNormal(stddev=0.1, seed=seed)

        def penalty() -> Any:
            # Keras sums squares, TensorFlow's `l2_regularizer` half of them.
            return keras.regularizers.L2(self.l2 / 2) if self.l2 else None

        stack: list[Any] = [keras.Input((self.size, self.size, 3))]
        for number, (filters, side) in enumerate(CONVOLUTIONS, start=1):
            stack.append(
                layers.Conv2D(
                    filters,
                    side,
                    padding="same",
                    activation="relu",
                    kernel_initializer=start(),
                    name=f"conv{number}",
                )
            )
            stack.append(layers.MaxPooling2D(2, padding="valid", name=f"pool{number}"))
        stack.append(layers.Flatten(name="flat"))
        for units in CONNECTED:
            name = f"fc{units}"
            stack.append(
                layers.Dense(
                    units,
                    activation="relu",
                    kernel_initializer=start(),
                    kernel_regularizer=penalty(),
                    name=name,
                )
            )
            if self.dropout:
                stack.append(layers.Dropout(self.dropout, seed=next(numbers)))
        if outputs:
            stack.append(
                layers.Dense(
                    outputs,
                    kernel_initializer=start(),
                    kernel_regularizer=penalty(),
                    name="outputs",
                )
            )
        self.outputs_ = outputs
        self._network = keras.Sequential(stack)
        features = self._network.get_layer(f"fc{CONNECTED[-1]}").output
        self._features = keras.Model(self._network.inputs, features)

    def _train(
        self,
        pixels: npt.NDArray[np.uint8],
        copies: Copies,
        outputs: int,
        rng: np.random.Generator,
        train: TrainingSet,
        tags: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Train on copies with one label each; given `tags`, on those of each image instead."""
        self._make(outputs)
        if tags is not None:
            # The last layer starts at how common each tag is, which else takes many steps to learn.
            kernel, bias = self._network.layers[-1].get_weights()
            shares = (tags.sum(axis=0) + 1) / (len(tags) + 2)
            bias[:] = np.log(shares / (1 - shares))
            self._network.layers[-1].set_weights([kernel * np.float32(0.1), bias])
        self._compile(tags)
        trained, held = np.flatnonzero(~copies.validation), np.flatnonzero(copies.validation)
        if len(trained) == 0:
            raise ValueError("anime-tags has nothing to learn: every copy is held out")
        size, order = min(self.batch_size, len(trained)), Stream(len(trained), self.seed)
        total = self.epochs * (len(trained) // size)
        curve: dict[str, list[float | None]] = {"iteration": [], "loss": []}
        accuracies: list[float] = []
        step = 0
        for _ in range(self.epochs):
            losses = []
            # What is left after the last whole batch of an epoch begins the next one.
            for _ in range(len(trained) // size):
                batch = trained[order.batch(step, size)]
                images = self._warped(pixels[copies.images[batch]], rng)
                labels = copies.labels[batch]
                truth = labels if tags is None else tags[labels].astype(np.float32)
                losses.append(float(self._network.train_on_batch(images, truth)))
                self._network.reset_metrics()
                step += 1
                train.progress(step, total, f"loss {losses[-1]:.3f}")
            _check_finite(losses[-1], step)
            curve["iteration"].append(step)
            curve["loss"].append(float(np.mean(losses)))
            if len(held):
                said = self._raw(pixels[copies.images[held]]).argmax(axis=1)
                right = said == copies.labels[held]
                accuracies.append(float(right.mean()))
                curve.setdefault("validation accuracy", []).append(accuracies[-1])
        self.learning_curve_ = curve
        self.centre_ = self._raw(pixels, self._compared()).mean(axis=0)
        if accuracies:
            self.notes_ |= {
                "Validation accuracy, best epoch": max(accuracies),
                "Validation accuracy, mean of epochs": float(np.mean(accuracies)),
                "Validation accuracy, last epoch": accuracies[-1],
            }
            seen = np.isin(copies.images[held], copies.images[trained])
            for words, part in (("seen in training", seen), ("not seen", ~seen)):
                if part.any():
                    self.notes_[f"Validation accuracy, last epoch, copies {words}"] = float(
                        right[part].mean()
                    )

    def _train_on_pairs(
        self, pixels: npt.NDArray[np.uint8], rng: np.random.Generator, train: TrainingSet
    ) -> None:
        """Train fc512 so that in a batch of mated pairs each image is most like its own mate."""
        mated, identities = np.asarray(train.mated), np.asarray(train.identities)
        if len(np.unique(identities[mated])) < 2:
            raise ValueError(
                "anime-tags has nothing to tell apart: it needs mated pairs of two identities or "
                f"more, and there are {len(mated)} pairs"
            )
        self._make(0)
        keras = self._keras()

        def loss(owners: Any, features: Any) -> Any:
            ops = keras.ops
            # Without their common part, which is most of what a layer of ReLU gives.
            unit = ops.normalize(features - ops.mean(features, axis=0), axis=-1)
            alike = ops.matmul(unit, ops.transpose(unit)) / TEMPERATURE
            same = ops.equal(owners, ops.transpose(owners))
            itself = ops.eye(ops.shape(features)[0], dtype="bool")
            # The mate of each image is the only one of its identity in the batch.
            others = ops.logsumexp(ops.where(itself, -1e9, alike), axis=1)
            mates = ops.sum(ops.where(ops.logical_and(same, ~itself), alike, 0.0), axis=1)
            return ops.mean(others - mates)

        self._solve(loss)
        by_identity: dict[int, list[int]] = {}
        for place, (first, _) in enumerate(mated.tolist()):
            by_identity.setdefault(int(identities[first]), []).append(place)
        owners = np.array(list(by_identity))
        pairs = min(max(2, self.batch_size // 2), len(owners))
        steps = max(1, len(pixels) // (2 * pairs))
        total, step = self.epochs * steps, 0
        curve: dict[str, list[float | None]] = {"iteration": [], "loss": []}
        for _ in range(self.epochs):
            losses = []
            for _ in range(steps):
                chosen = rng.choice(owners, pairs, replace=False)
                drawn = np.array(
                    [mated[rng.choice(by_identity[owner])] for owner in chosen.tolist()]
                )
                images = self._warped(pixels[drawn.T.ravel()], rng)
                names = np.tile(np.arange(pairs, dtype=np.float32), 2)[:, np.newaxis]
                losses.append(float(self._network.train_on_batch(images, names)))
                self._network.reset_metrics()
                step += 1
                train.progress(step, total, f"loss {losses[-1]:.3f}")
            _check_finite(losses[-1], step)
            curve["iteration"].append(step)
            curve["loss"].append(float(np.mean(losses)))
        self.learning_curve_ = curve
        self.centre_ = self._raw(pixels, self._compared()).mean(axis=0)

    def _compile(self, tags: npt.NDArray[np.bool_] | None) -> None:
        """Choose the loss: a softmax over labels or, given `tags`, a sigmoid for each."""
        keras = self._keras()
        if tags is None:
            loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        else:
            weights = rarity(tags, self.balance)

            def loss(truth: Any, logits: Any) -> Any:
                missed = keras.ops.multiply(truth, weights) * keras.ops.softplus(-logits)
                return keras.ops.mean(missed + (1 - truth) * keras.ops.softplus(logits))

        self._solve(loss)

    def _solve(self, loss: Any) -> None:
        """Set Adam to work; compiling to machine code would cost more than it saves."""
        solver = self._keras().optimizers.Adam(self.learning_rate, epsilon=self.epsilon)
        self._network.compile(optimizer=solver, loss=loss, jit_compile=False)

    def _compared(self) -> Any:
        """Return what gives templates: all of the network where it has learned tags."""
        return self._network if self.learned_ == TAGS else self._features

    def _answers(self, images: Sequence[Image], network: Any) -> Floats:
        return self._raw(self._scaled(images), network)

    def _raw(self, pixels: npt.NDArray[np.uint8], network: Any = None) -> Floats:
        """Return what a network makes of scaled images, in batches of one size."""
        network = self._network if network is None else network
        found = []
        for start in range(0, len(pixels), BATCH):
            part = pixels[start : start + BATCH]
            full = np.zeros((BATCH, *pixels.shape[1:]), dtype=np.float32)
            full[: len(part)] = self._levels(part)
            found.append(np.asarray(network.predict_on_batch(full))[: len(part)])
        return np.concatenate(found)

    def _scaled(self, images: Sequence[Image]) -> npt.NDArray[np.uint8]:
        pixels = np.empty((len(images), self.size, self.size, 3), dtype=np.uint8)
        for row, image in zip(pixels, images, strict=True):
            row[:] = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return pixels

    def _warped(self, pixels: npt.NDArray[np.uint8], rng: np.random.Generator) -> Floats:
        """Return a batch in [0, 1], each image mirrored, turned, scaled and shifted at random."""
        if self.warp:
            middle = (self.size - 1) / 2
            moved = np.empty_like(pixels)
            for row, image in zip(moved, pixels, strict=True):
                turn = rng.uniform(-15, 15) * self.warp
                scale = float(np.exp(rng.uniform(-0.15, 0.15) * self.warp))
                matrix = cv2.getRotationMatrix2D((middle, middle), turn, scale)
                matrix[:, 2] += rng.uniform(-0.08, 0.08, 2) * self.size * self.warp
                seen = image[:, ::-1] if rng.random() < 0.5 else image
                row[:] = cv2.warpAffine(
                    np.ascontiguousarray(seen),
                    matrix,
                    (self.size, self.size),
                    borderMode=cv2.BORDER_REPLICATE,
                )
            pixels = moved
        return self._levels(pixels)

    def _levels(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        """Return images as the network takes them: each depends on itself only.

        In [0, 1]; or each of mean 0 and deviation 1; or with the surroundings of every pixel taken
        out before that, and the local contrast, the same for all colours, divided out.
        """
        levels = pixels.astype(np.float32) / np.float32(255)
        if self.light == "local":
            sigma = self.size / 12
            for image in levels:
                image -= cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
                power = (image**2).mean(axis=2)
                local = cv2.GaussianBlur(power, (0, 0), 2 * sigma, borderType=cv2.BORDER_REFLECT)
                image /= np.sqrt(np.maximum(local, power.mean()))[:, :, None] + np.float32(0.01)
        if self.light != "kept":
            levels -= levels.mean(axis=(1, 2, 3), keepdims=True)
            levels /= levels.std(axis=(1, 2, 3), keepdims=True) + np.float32(0.02)
        return levels

    def _keras(self) -> Any:
        """Import Keras on the backend asked for, deterministic and within the worker's threads."""
        if "keras" not in sys.modules:
            os.environ["KERAS_BACKEND"] = self.backend
        if self.backend == "tensorflow":
            import tensorflow

            tensorflow.config.experimental.enable_op_determinism()
        import keras

        if keras.backend.backend() != self.backend:
            raise RuntimeError(
                f"Keras already runs on {keras.backend.backend()} in this process; backend="
                f"{self.backend} needs a process of its own"
            )
        return keras


WEIGHTS, FACTS, NOTES = "weights.safetensors", "facts.json", "notes.json"
CONVOLUTIONS = ((32, 5), (64, 5), (128, 3), (128, 3))
"""Filters and side of each convolution; a pooling follows each."""

CONNECTED = (1024, 512)

TEMPERATURE = 0.1
"""Of the likeness of mates, where identities are learned."""


def copies_of(
    tags: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    per_tag: int,
    validation: float,
    split: str,
) -> Copies:
    """Copy every image into the folder of each of its tags, and hold some copies out.

    Parameters
    ----------
    tags
        bool, shape (images, tags).
    per_tag
        Copies kept of a tag at most: those of the first images, as the slides keep the first files.
    validation
        Share of the copies, or of the images, that is held out.
    split
        ``copies``: whichever come last in the random order, as in the slides, so that an image may
        be on both sides; ``images``: all copies of the images that come last.
    """
    labels, images = np.nonzero(tags.T & (np.cumsum(tags.T, axis=1) <= per_tag))
    order = rng.permutation(len(images))
    images, labels = images[order].astype(np.int64), labels[order].astype(np.int64)
    if split == "images":
        known = rng.permutation(np.unique(images))
        held = np.isin(images, known[int(len(known) * (1 - validation)) :])
    else:
        held = np.arange(len(images)) >= int(len(images) * (1 - validation))
    return Copies(images, labels, held)


def leakage(copies: Copies) -> dict[str, float]:
    """Count what is wrong with learning one label for each copy, in words and shares.

    >>> found = leakage(Copies(*map(np.array, ([0, 0, 1], [0, 1, 1], [False, True, False]))))
    >>> found["Copies whose image has another label too"], found["Held-out copies seen in training"]
    (0.6666666666666666, 1.0)
    """
    number = np.bincount(copies.images)
    held = copies.images[copies.validation]
    found = {
        "Copies of images, each with one label": float(len(copies.images)),
        "Copies whose image has another label too": float((number[copies.images] > 1).mean()),
    }
    if len(held):
        seen = np.isin(held, copies.images[~copies.validation])
        found["Held-out copies seen in training"] = float(seen.mean())
        # An image gets one answer, which is right for one of its copies at most.
        found["Highest validation accuracy possible"] = len(np.unique(held)) / len(held)
    return found


def rarity(tags: npt.NDArray[np.bool_], power: float) -> Floats:
    """Return the weight of each tag where it applies: float32, shape (tags,), 1 and above.

    >>> rarity(np.array([[True, False], [False, False], [False, False]]), 1.0)
    array([2., 1.], dtype=float32)
    """
    count = tags.sum(axis=0)
    odds = np.where(count > 0, (len(tags) - count) / np.maximum(count, 1), 1.0)
    weights: Floats = (np.maximum(odds, 1.0) ** power).astype(np.float32)
    return weights


def _check_finite(loss: float, step: int) -> None:
    if not np.isfinite(loss):
        raise ArithmeticError(
            f"anime-tags diverged at step {step}: the loss is {loss}; lower learning_rate"
        )
