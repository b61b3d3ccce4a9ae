"""Whole run folders, made once, and copies of them to spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.strangers.whole_runs import write_run

Copied = Callable[..., Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fits of a search and of a detection, with metrics that take no time."""
    place = tmp_path_factory.mktemp("made")
    for protocol in ("similarity", "detection"):
        for seed in (0, 1):
            write_run(place / protocol / f"made-{seed}", protocol, seed, short=True)
    return place


@pytest.fixture
def good(made: Path) -> Path:
    """A whole run that nobody changes."""
    return made / "similarity" / "made-1"


@pytest.fixture
def run_folder(made: Path, tmp_path: Path) -> Path:
    """A copy of a run of searches."""
    return Path(shutil.copytree(made / "similarity" / "made-0", tmp_path / "run"))
