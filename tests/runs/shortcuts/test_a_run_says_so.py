"""A run says on the terminal, in its manifest and in its report what its pictures tell by size."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.conftest import Ran, save_png

CODE = "shortcut-size"


def folders(root: Path, leaks: bool) -> Path:
    """Write thirty tattoos with three pictures each, all of one size where that leaks."""
    rng = np.random.default_rng(3)
    for k in range(30):
        (root / f"t{k:02d}").mkdir(parents=True)
        pattern = rng.integers(0, 256, (6, 6, 3))
        for j in range(3):
            height = 30 + 2 * (k if leaks else int(rng.integers(30)))
            tall = np.kron(pattern, np.ones((15, 8, 1)))[:height]
            picture = np.vstack([tall, rng.normal(128, 40, (max(0, height - 90), 48, 3))])
            save_png(root / f"t{k:02d}" / f"{j}.png", picture + rng.normal(0, 40, picture.shape))
    return root


def test_a_run_warns_where_size_alone_finds_the_mate(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    for leaks in (True, False):
        data = folders(tmp_path / str(leaks), leaks)
        ran = harness(
            *("run", "--protocol", "closed-set", "--algo", "colours", "--data", data),
            *("--folds", "2", "--json"),
        )
        assert ran.code == 0, ran.err
        folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
        findings = json.loads((folder / "manifest.json").read_text())["findings"]
        codes = {finding["code"] for finding in findings}
        report = (folder / "report.html").read_text()
        sentence = "width and height of the pictures alone finds the mate first in 100.0 %"
        assert (CODE in codes) is leaks
        assert (sentence in ran.err) is leaks
        assert (sentence in report) is leaks
