"""The validation's equal error rate is the protocol's, of all pairs of the images held out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.metrics import verification
from harness.training import validation
from harness.training.validation import embeddings_of, equal_error_rate


@pytest.mark.parametrize("cosine", [True, False])
def test_it_is_the_eer_of_every_pair(cosine: bool) -> None:
    rng = np.random.default_rng(0)
    rows, names = rng.normal(size=(30, 3)), rng.integers(0, 6, 30)
    mated: list[float] = []
    nonmated: list[float] = []
    for i in range(30):
        for j in range(i):
            a, b = rows[i], rows[j]
            score = -float(np.sqrt(((a - b) ** 2).sum()))
            if cosine:
                score = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
            (mated if names[i] == names[j] else nonmated).append(score)
    expected = verification.eer(np.array(mated), np.array(nonmated))
    assert equal_error_rate(rows, names, cosine=cosine) == pytest.approx(expected, abs=1e-12)


def test_many_images_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(100), 4)
    rows = rng.normal(size=(100, 8))[names] + rng.normal(size=(400, 8))
    whole = equal_error_rate(rows, names, cosine=True)
    monkeypatch.setattr(validation, "MOST", 20_000)
    assert equal_error_rate(rows, names, cosine=True) == pytest.approx(whole, abs=0.04)


def test_an_embedding_of_length_zero_is_like_nothing() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert 0 <= equal_error_rate(rows, np.array([1, 1, 2, 2]), cosine=True) <= 1


def test_embeddings_come_in_the_order_of_the_images() -> None:
    images = torch.arange(150.0).reshape(150, 1, 1, 1)
    rows = embeddings_of(lambda block: block.flatten(1) * 2, images, torch.device("cpu"))
    assert rows.dtype == np.float64
    assert rows[:, 0].tolist() == [2.0 * k for k in range(150)]
