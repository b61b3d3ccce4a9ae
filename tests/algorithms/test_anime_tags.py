"""The anime tagger: its network and one step of it against hand-computed values, and its faults.

TensorFlow must not be imported before torch in one process, so that Keras runs in processes of its
own here, one for each backend.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.execution.variables import variables
from harness.plugins import registry

pytestmark = [pytest.mark.own_process, pytest.mark.xdist_group("anime-tags")]

MODULE = sys.modules[registry.load(registry.find_algorithm("anime-tags")).__module__]

SCRIPT = """
import json, sys, tempfile
from pathlib import Path
import numpy as np
from harness.plugins import registry
from harness.api import TrainingSet

AnimeTags = registry.load(registry.find_algorithm("anime-tags"))
backend = sys.argv[1]
found = {}

if backend == "tensorflow":
    slides = AnimeTags(**AnimeTags.presets["slides"], backend=backend)
    slides._make(38)
    found["layers"] = [
        [layer.name, list(layer.output.shape[1:]), layer.count_params()]
        for layer in slides._network.layers
    ]
    kernel, bias = slides._network.get_layer("fc1024").get_weights()
    found["start"] = [float(abs(kernel).max()), float(kernel.mean()), float(kernel.std()),
                      float(abs(bias).max())]

rng = np.random.default_rng(5)
images = [rng.integers(0, 256, (20, 24, 3), dtype=np.uint8) for _ in range(8)]
tags = rng.random((8, 3)) < 0.5
tags[0] = True
small = {"size": 16, "warp": 0.0, "dropout": 0.0, "backend": backend}

def step(procedure):
    tagger = AnimeTags(procedure=procedure, epochs=1, epsilon=1e-8, **small)
    tagger._make(3)
    tagger._compile(tags if procedure == "sigmoid" else None)
    pixels = tagger._levels(tagger._scaled(images))
    labels = np.arange(8) % 3
    truth = tags.astype(np.float32) if procedure == "sigmoid" else labels
    features = np.asarray(tagger._features.predict_on_batch(pixels), dtype=np.float64)
    kernel, bias = map(np.float64, tagger._network.layers[-1].get_weights())
    loss = float(tagger._network.train_on_batch(pixels, truth))
    after = [np.float64(w).tolist() for w in tagger._network.layers[-1].get_weights()]
    return {"features": features.tolist(), "kernel": kernel.tolist(), "bias": bias.tolist(),
            "after": after, "loss": loss, "labels": labels.tolist(), "tags": tags.tolist()}

found["softmax"], found["sigmoid"] = step("softmax"), step("sigmoid")

def penalised(l2):
    tagger = AnimeTags(procedure="softmax", l2=l2, **small)
    tagger._make(3)
    tagger._compile(None)
    kernels = [tagger._network.get_layer(name).get_weights()[0]
               for name in ("fc1024", "fc512", "outputs")]
    squares = sum(float((np.float64(kernel) ** 2).sum()) for kernel in kernels)
    pixels = tagger._levels(tagger._scaled(images))
    return float(tagger._network.train_on_batch(pixels, np.arange(8) % 3)), squares

(plain, squares), (more, _) = penalised(0.0), penalised(0.01)
found["penalty"] = [plain, more, squares]

def fitted(seed=0, **settings):
    tagger = AnimeTags(seed=seed, epochs=2, batch_size=4, size=16, backend=backend, **settings)
    tagger.fit(TrainingSet(images, tags=tags, vocabulary=["a", "b", "c"]))
    return tagger

first, again, other = fitted(), fitted(), fitted(seed=1)
said = [np.array(t.tag_batch(images)) for t in (first, again, other)]
found["same"], found["differs"] = bool((said[0] == said[1]).all()), bool((said[0] != said[2]).any())
found["alone"] = float(abs(np.array(first.tag_batch(images[:1]))[0] - said[0][0]).max())
with tempfile.TemporaryDirectory() as folder:
    softmax = fitted(procedure="softmax", validation=0.4)
    before = np.array(softmax.tag_batch(images)), np.array(softmax.extract_batch(images))
    softmax.save(Path(folder))
    found["files"] = sorted(p.name for p in Path(folder).iterdir())
    restored = AnimeTags(procedure="softmax", epochs=2, size=16, backend=backend)
    restored.load(Path(folder))
    after = np.array(restored.tag_batch(images)), np.array(restored.extract_batch(images))
found["restored"] = all(bool((a == b).all()) for a, b in zip(before, after))
found["sums"] = before[0].sum(axis=1).tolist()
found["notes"], found["curve"] = softmax.notes_, softmax.learning_curve_
identities = np.repeat(np.arange(4), 2)
matcher = AnimeTags(epochs=2, size=16, backend=backend)
matcher.fit(TrainingSet(images, identities=identities, mated=np.arange(8).reshape(4, 2)))
found["template"] = list(np.array(matcher.extract_batch(images)).shape)
try:
    matcher.tag(images[0])
except RuntimeError as reason:
    found["untagged"] = str(reason)
try:
    AnimeTags(epochs=1, size=16, backend=backend).fit(
        TrainingSet(images, identities=np.zeros(8, int), mated=np.array([[0, 1]])))
except ValueError as reason:
    found["one identity"] = str(reason)
found["loaded"] = sorted({"torch", "tensorflow"} & set(sys.modules))
print(json.dumps(found))
"""


@pytest.fixture(scope="module", params=["tensorflow", "torch"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, request.param],
        capture_output=True,
        text=True,
        env={**variables(1), "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(__file__).parents[2],
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**answer, "backend": request.param}


@pytest.mark.slow
def test_the_network_has_the_layers_of_the_slides_and_as_many_weights(
    found: dict[str, Any],
) -> None:
    if found["backend"] != "tensorflow":
        pytest.skip("looked at once")
    assert found["layers"] == [
        ["conv1", [100, 100, 32], 5 * 5 * 3 * 32 + 32],
        ["pool1", [50, 50, 32], 0],
        ["conv2", [50, 50, 64], 5 * 5 * 32 * 64 + 64],
        ["pool2", [25, 25, 64], 0],
        ["conv3", [25, 25, 128], 3 * 3 * 64 * 128 + 128],
        ["pool3", [12, 12, 128], 0],
        ["conv4", [12, 12, 128], 3 * 3 * 128 * 128 + 128],
        ["pool4", [6, 6, 128], 0],
        ["flat", [4608], 0],
        ["fc1024", [1024], 4608 * 1024 + 1024],
        ["fc512", [512], 1024 * 512 + 512],
        ["outputs", [38], 512 * 38 + 38],
    ]
    assert sum(weights for _, _, weights in found["layers"]) == 5_539_046
    # A normal distribution of deviation .1, cut off at two deviations: .1 * .8796 is left of it.
    largest, mean, deviation, bias = found["start"]
    assert 0.19 < largest <= 0.2
    assert mean == pytest.approx(0, abs=2e-4)
    assert deviation == pytest.approx(0.08796, abs=2e-4)
    assert bias == 0


@pytest.mark.slow
def test_the_regulariser_adds_half_the_squares_of_the_fully_connected_weights(
    found: dict[str, Any],
) -> None:
    plain, more, squares = found["penalty"]
    assert more - plain == pytest.approx(0.01 * squares / 2, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("procedure", ["softmax", "sigmoid"])
def test_one_step_of_adam_moves_the_last_layer_as_computed_by_hand(
    procedure: str, found: dict[str, Any]
) -> None:
    told = {name: np.array(value) for name, value in found[procedure].items() if name != "after"}
    logits = told["features"] @ told["kernel"] + told["bias"]
    if procedure == "softmax":
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        right = np.eye(3)[told["labels"]]
        loss = -np.log((shares * right).sum(axis=1)).mean()
        slope = (shares - right) / 8
    else:
        shares, right = 1 / (1 + np.exp(-logits)), told["tags"].astype(float)
        count = right.sum(axis=0)
        weights = np.sqrt(np.maximum((8 - count) / count, 1))
        loss = -(weights * right * np.log(shares) + (1 - right) * np.log(1 - shares)).mean()
        slope = ((1 - right) * shares - weights * right * (1 - shares)) / right.size
    assert told["loss"] == pytest.approx(loss, rel=1e-4)
    # The first step of Adam: rate * g / (|g| + epsilon / sqrt(1 - beta2)), so the rate's size.
    for before, after, gradient in (
        (told["kernel"], np.array(found[procedure]["after"][0]), told["features"].T @ slope),
        (told["bias"], np.array(found[procedure]["after"][1]), slope.sum(axis=0)),
    ):
        step = 1e-3 * gradient / (np.abs(gradient) + 1e-8 / np.sqrt(1 - 0.999))
        clear = np.abs(gradient) > 1e-4
        assert clear.any()
        assert (after - before)[clear] == pytest.approx(-step[clear], rel=2e-3, abs=1e-7)


@pytest.mark.slow
def test_equal_seeds_give_equal_answers_and_a_restored_model_the_same(
    found: dict[str, Any],
) -> None:
    assert found["same"]
    assert found["differs"]
    assert found["restored"]
    assert found["alone"] < 1e-6
    assert found["files"] == ["facts.json", "notes.json", "weights.safetensors"]


@pytest.mark.slow
def test_the_softmax_shares_one_answer_among_all_tags_and_notes_its_faults(
    found: dict[str, Any],
) -> None:
    assert found["sums"] == pytest.approx([1] * 8)
    assert 0 <= found["notes"]["Validation accuracy, best epoch"] <= 1
    assert found["notes"]["Held-out copies seen in training"] > 0
    assert len(found["curve"]["iteration"]) == len(found["curve"]["validation accuracy"]) == 2


@pytest.mark.slow
def test_without_tags_it_learns_from_mated_pairs_and_says_that_it_knows_no_tag(
    found: dict[str, Any],
) -> None:
    assert found["template"] == [8, 512]
    assert "trained without tags" in found["untagged"]
    assert "mated pairs of two identities" in found["one identity"]


@pytest.mark.slow
def test_only_the_backend_asked_for_is_imported(found: dict[str, Any]) -> None:
    assert found["backend"] in found["loaded"]
    if found["backend"] == "tensorflow":
        assert found["loaded"] == ["tensorflow"]


def test_the_file_imports_no_framework_by_itself() -> None:
    code = (
        "import sys; from harness.plugins import registry; "
        "registry.load(registry.find_algorithm('anime-tags')); "
        "sys.exit(bool({'keras', 'tensorflow', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == 0


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_every_image_has_a_copy_for_each_of_its_tags() -> None:
    tags = rng().random((30, 5)) < 0.4
    copies = MODULE.copies_of(tags, rng(), 1000, 0.2, "copies")
    pairs = sorted(zip(copies.images.tolist(), copies.labels.tolist(), strict=True))
    assert pairs == [tuple(pair) for pair in np.argwhere(tags).tolist()]
    assert copies.validation.sum() == len(pairs) - int(len(pairs) * 0.8)


def test_a_tag_keeps_the_copies_of_its_first_images_only() -> None:
    tags = np.ones((30, 2), dtype=bool)
    copies = MODULE.copies_of(tags, rng(), 4, 0.0, "copies")
    assert sorted(copies.images.tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_copies_leak_between_training_and_validation_unless_images_are_kept_together() -> None:
    tags = rng().random((60, 5)) < 0.6
    leaking = MODULE.leakage(MODULE.copies_of(tags, rng(), 1000, 0.2, "copies"))
    sound = MODULE.leakage(MODULE.copies_of(tags, rng(), 1000, 0.2, "images"))
    assert leaking["Held-out copies seen in training"] > 0.8
    assert sound["Held-out copies seen in training"] == 0
    assert leaking["Copies whose image has another label too"] > 0.8


def test_leakage_is_what_plain_loops_count() -> None:
    copies = MODULE.copies_of(rng().random((12, 4)) < 0.5, rng(), 3, 0.3, "copies")
    images, held = copies.images.tolist(), copies.validation.tolist()
    training = {image for image, out in zip(images, held, strict=True) if not out}
    judged = [image for image, out in zip(images, held, strict=True) if out]
    counted = MODULE.leakage(copies)
    assert counted["Copies of images, each with one label"] == len(images)
    assert counted["Copies whose image has another label too"] == pytest.approx(
        sum(images.count(image) > 1 for image in images) / len(images)
    )
    assert counted["Held-out copies seen in training"] == pytest.approx(
        sum(image in training for image in judged) / len(judged)
    )
    assert counted["Highest validation accuracy possible"] == pytest.approx(
        len(set(judged)) / len(judged)
    )


def test_the_slides_preset_has_their_figures() -> None:
    preset = MODULE.AnimeTags.presets["slides"]
    assert (preset["size"], preset["epochs"], preset["batch_size"]) == (100, 400, 200)
    assert (preset["learning_rate"], preset["per_tag"], preset["validation"]) == (1e-4, 1000, 0.2)
    assert (preset["procedure"], preset["split"]) == ("softmax", "copies")
    assert (preset["l2"], preset["dropout"]) == (0, 0)
