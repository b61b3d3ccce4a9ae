"""Finished runs to compare: of the small set, and copies of them with other scores."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.plugins.registry import find_protocol
from harness.record.record import seal
from tests.conftest import run_harness

Altered = Callable[..., Path]


@pytest.fixture(scope="session")
def finished(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `colours` on similarity: 24 searches of 12 identities in 3 folds.

    Its galleries are so small that only the first rank can be missed, so that is the headline.
    """
    place = tmp_path_factory.mktemp("finished")
    text = find_protocol("similarity").read_text(encoding="utf-8")
    protocol = place / "similarity.toml"
    protocol.write_text(text.replace("hit-rate@rank=10", "hit-rate@rank=1", 1), encoding="utf-8")
    ran = run_harness(
        *("run", "--protocol", protocol, "--algo", "colours", "--json"),
        *("--data", small_set, "--out", place),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    return Path(ran.json["runs"][0]["folder"])


@pytest.fixture
def altered(finished: Path, tmp_path: Path) -> Altered:
    """Copy the run and change its scores or its manifest, as another run would have them."""

    def make(
        name: str,
        scores: Callable[[Any], Any] | None = None,
        failures: dict[str, str] | None = None,
        **facts: Any,
    ) -> Path:
        folder = tmp_path / name
        shutil.copytree(finished, folder)
        for place in sorted(folder.glob("units/*/scores")):
            if scores is not None:
                np.save(place / "scores.npy", scores(np.load(place / "scores.npy")))
            if failures is not None:
                (place / "failures.json").write_text(json.dumps(failures))
        manifest = json.loads((folder / "manifest.json").read_text())
        for key, value in facts.items():
            where = manifest["origin"] if key in manifest["origin"] else manifest
            where[key] = value
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        seal(folder)
        return folder

    return make


def reversed_order(scores: Any) -> Any:
    """Rank every gallery the other way round: about the worst that can happen."""
    return -scores


def a_little_noise(scores: Any) -> Any:
    """Move scores by a part in a thousand, as another machine or training would."""
    return scores + np.random.default_rng(scores.shape[0]).normal(0, 1e-3, scores.shape)


def junit_of(path: Path) -> ET.Element:
    """Read the test suite of a JUnit file."""
    return ET.parse(path).getroot()  # noqa: S314 - our own file
