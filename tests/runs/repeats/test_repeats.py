"""Several fits of a learner are one entry: run, joined, checked, compared, moved."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.comparing.pairing import read_sides
from harness.comparing.repeated import repeated as together
from harness.errors import Damaged
from harness.metrics.ids import Metric
from harness.record.joined import fits_of, read_joined, read_metrics
from tests.conftest import run_harness
from tests.runs.repeats.conftest import FITS

HEADLINE = "hit-rate@rank=10"
RANK_1 = "hit-rate@rank=1"


def folder_of(repeated: dict[str, Any]) -> Path:
    (entry,) = repeated["entries"]
    return Path(entry["folder"])


@pytest.fixture
def copied(repeated: dict[str, Any], tmp_path: Path) -> Path:
    """A copy of the fits and of what joins them, to be spoiled; returns the latter."""
    folder = folder_of(repeated)
    shutil.copytree(folder.parent, tmp_path / "similarity")
    return tmp_path / "similarity" / folder.name


def test_the_fits_have_seeds_in_a_row_and_results_of_their_own(repeated: dict[str, Any]) -> None:
    folder = folder_of(repeated)
    joined = read_joined(folder)
    assert folder.name.startswith(f"learns-x{FITS}-")
    assert [fit.seed for fit in joined.fits] == [0, 1, 2]
    assert len({fit.identity for fit in joined.fits}) == FITS
    assert len({fit.result_hash for fit in joined.fits}) == FITS
    assert all(len(fit.environment_hash) == 64 for fit in joined.fits)
    assert [str(place) for place in fits_of(folder)] == [r["folder"] for r in repeated["runs"]]


def test_the_value_is_the_mean_over_fits_and_the_interval_that_of_two_ways(
    repeated: dict[str, Any],
) -> None:
    metrics = read_metrics(folder_of(repeated))
    runs = [one["metrics"]["pooled"] for one in repeated["runs"]]
    (side,) = read_sides([folder_of(repeated)])
    for name, estimate in metrics.pooled.items():
        values = [one[name]["value"] for one in runs]
        assert estimate.fits == values
        assert estimate.value == pytest.approx(np.mean(values), rel=1e-12)
        trials = [fit.trials(Metric.parse(name)) for fit in side.fits]
        expected = together([one for one in trials if one is not None])
        assert (estimate.low, estimate.high) == (expected.interval.low, expected.interval.high)
    parts = metrics.pooled[RANK_1].components
    assert parts is not None
    assert parts.identities >= 0
    assert parts.interaction > 0
    assert metrics.counts["fits"] == FITS


def test_more_repeats_do_only_what_is_missing(
    repeated: dict[str, Any], small_set: Path, learner: Path
) -> None:
    out = folder_of(repeated).parent.parent
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", learner, "--data", small_set, "--json"),
        *("--repeats", str(FITS + 1), "--out", out),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    assert [one["kept"] == ["everything"] for one in ran.json["runs"]] == [True] * FITS + [False]
    assert read_joined(Path(ran.json["entries"][0]["folder"])).fits[-1].seed == FITS
    assert folder_of(repeated).is_dir()


def test_the_terminal_prints_one_table_with_value_parts_and_fits(
    repeated: dict[str, Any], small_set: Path, learner: Path
) -> None:
    out = folder_of(repeated).parent.parent
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", learner, "--data", small_set),
        *("--repeats", str(FITS), "--out", out),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    assert ran.out.count("similarity / ") == 1
    assert f"similarity / learns, {FITS} fits" in ran.out
    assert "a fit as a whole" in ran.out
    assert "seed 0: " in ran.out
    assert "one fit" not in ran.err.replace("one fit  ", "")


def test_what_does_not_learn_is_run_once_and_that_is_said(small_set: Path, tmp_path: Path) -> None:
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set, "--json"),
        *("--repeats", "3", "--out", tmp_path),
    )
    assert ran.code == 0, ran.err
    assert "does not learn, so it is run once" in ran.err
    assert (len(ran.json["runs"]), ran.json["entries"]) == (1, [])


def test_one_fit_of_a_learner_is_flagged(
    small_set: Path, learner: Path, repeated: dict[str, Any]
) -> None:
    out = folder_of(repeated).parent.parent
    words = ("run", "--protocol", "similarity", "--algo", learner, "--data", small_set)
    ran = run_harness(*words, "--out", out)
    assert ran.code == 0, ran.err
    assert "learns, one fit" in ran.out
    assert "another seed" in ran.err
    folder = Path(repeated["runs"][0]["folder"])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["learns"] is True
    assert [one["code"] for one in manifest["findings"]].count("one-fit") == 1
    assert "another seed" in (folder / "report.html").read_text()


def test_verify_finds_what_is_wrong_with_an_entry_or_its_fits(copied: Path) -> None:
    assert run_harness("verify", copied).code == 0
    metrics = copied / "metrics.json"
    before = metrics.read_text()
    metrics.write_text(before.replace("fits", "stif"))
    assert run_harness("verify", copied).code == 3
    metrics.write_text(before)
    scores = fits_of(copied)[1] / "units" / "fold-1" / "scores" / "scores.npy"
    np.save(scores, np.load(scores) * 2)
    ran = run_harness("verify", copied)
    assert ran.code == 3
    assert "scores.npy: its bytes changed" in ran.out


def test_numbers_and_report_of_an_entry_are_made_again_from_its_fits(copied: Path) -> None:
    before = {name: (copied / name).read_bytes() for name in ("metrics.json", "report.html")}
    for name in before:
        (copied / name).write_bytes(b"{}")
    assert run_harness("score", copied).code == 0
    assert {name: (copied / name).read_bytes() for name in before} == before
    (copied / "report.html").unlink()
    assert run_harness("report", copied).code == 0
    assert (copied / "report.html").read_bytes() == before["report.html"]
    assert run_harness("verify", copied).code == 0


def test_a_fit_that_is_gone_or_another_is_said(copied: Path) -> None:
    first, second, _ = fits_of(copied)
    shutil.move(first, copied.parent / "kept")
    with pytest.raises(Damaged, match="not in"):
        fits_of(copied)
    shutil.copytree(second, first)
    with pytest.raises(Damaged, match="another result"):
        fits_of(copied)


@pytest.mark.parametrize("place", ["../../x", "/etc", "fits/..", "../a/b", "units"])
def test_a_stranger_s_entry_does_not_lead_elsewhere(copied: Path, place: str) -> None:
    text = json.loads((copied / "entry.json").read_text())
    text["fits"][0]["folder"] = place
    (copied / "entry.json").write_text(json.dumps(text))
    with pytest.raises(Damaged, match="is not a run beside it or in it"):
        fits_of(copied)


def test_the_report_shows_value_parts_and_a_link_to_each_fit(repeated: dict[str, Any]) -> None:
    folder = folder_of(repeated)
    page = (folder / "report.html").read_text()
    for place in fits_of(folder):
        assert f'href="../{place.name}/report.html"' in page
    assert "a fit as a whole" in page
    assert f"mean of {FITS} fits" in page


def test_smaller_galleries_are_asked_of_one_fit(repeated: dict[str, Any]) -> None:
    entry = folder_of(repeated)
    refused = run_harness("scale", entry)
    assert refused.code == 2
    assert "joins several fits, and galleries of other sizes are of one" in refused.err
    assert run_harness("scale", fits_of(entry)[0]).code == 0


def test_scores_of_an_entry_are_exported_fit_by_fit(
    repeated: dict[str, Any], tmp_path: Path
) -> None:
    ran = run_harness("export", folder_of(repeated), "--format", "npy", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "name one of its fits" in ran.err


def test_tables_of_an_entry_say_which_fit_a_row_is_of(
    repeated: dict[str, Any], tmp_path: Path
) -> None:
    ran = run_harness("export", folder_of(repeated), "--format", "csv", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    tables = {
        file.stem: list(csv.DictReader(file.open(encoding="utf-8", newline="")))
        for file in (tmp_path / "out").glob("*.csv")
    }
    entry = json.loads((folder_of(repeated) / "metrics.json").read_text())["pooled"]
    fits = len(fits_of(folder_of(repeated)))
    for name, estimate in entry.items():
        values = [row["value"] for row in tables["fits"] if row["metric"] == name]
        assert values == ["" if value is None else repr(value) for value in estimate["fits"]]
    for name in ("searches", "candidates", "scores"):
        numbers = [row["fit"] for row in tables[name]]
        assert set(numbers) == set(map(str, range(1, fits + 1)))
        assert len({numbers.count(number) for number in numbers}) == 1


def test_an_entry_can_be_a_baseline_with_all_its_fits(
    repeated: dict[str, Any], tmp_path: Path
) -> None:
    words = ("baseline", "set", folder_of(repeated), "--name", "learner", "--why", "three fits")
    ran = run_harness(*words, "--folder", tmp_path)
    assert ran.code == 0, ran.err
    kept = tmp_path / "learner" / "run"
    assert [place.parent.name for place in fits_of(kept)] == ["fits"] * FITS
    (side,) = read_sides([kept])
    assert len(side.fits) == FITS
    shown = run_harness("baseline", "show", "learner", "--folder", tmp_path, "--json").json
    (choice,) = (one["current"] for one in shown)
    assert choice["fits"] == FITS
    assert choice["value"] == read_metrics(folder_of(repeated)).pooled[HEADLINE].value


def test_a_board_takes_the_numbers_of_the_folder_that_joins_the_fits(
    repeated: dict[str, Any], tmp_path: Path
) -> None:
    folder = folder_of(repeated)
    ran = run_harness("leaderboard", folder, "--out", tmp_path / "site", "--json")
    assert ran.code == 0, ran.err
    (board,) = ran.json["boards"]
    (entry,) = board["entries"]
    assert len(entry["fits"]) == FITS
    metrics = read_metrics(folder)
    for name, estimate in metrics.pooled.items():
        assert entry["metrics"][name]["value"] == estimate.value
        assert entry["metrics"][name].get("low") == estimate.low


def test_two_seeds_of_one_algorithm_are_said_to_be_fits_of_one_entry(
    repeated: dict[str, Any], tmp_path: Path
) -> None:
    first, second = (one["folder"] for one in repeated["runs"][:2])
    page = tmp_path / "page.html"
    ran = run_harness("compare", first, second, "--out", page)
    assert ran.code == 0, ran.err
    for text in (ran.out, page.read_text()):
        assert "only the seed differs" in text.replace("Only", "only")
        assert "one fit each" in text
    ran = run_harness("compare", first, second, "--json")
    assert ran.json["first"]["one_fit"] is True
    gate = run_harness("gate", "--baseline", first, "--candidate", second, "--json")
    assert gate.json["verdict"] == "inconclusive"


def test_entries_of_several_fits_are_compared_by_their_means(
    repeated: dict[str, Any], small_set: Path, learner: Path, tmp_path: Path
) -> None:
    words = ("run", "--protocol", "similarity", "--algo", learner, "--data", small_set, "--json")
    more = ("--repeats", str(FITS), "--param", "pixels=40", "--out", tmp_path / "other")
    other = run_harness(*words, *more, timeout=400)
    assert other.code == 0, other.err
    folders = [folder_of(repeated), folder_of(other.json)]
    ran = run_harness("compare", *folders, "--metric", RANK_1, "--json")
    assert ran.code == 0, ran.err
    row = ran.json["pairs"][0]["rows"][0]
    values = [read_metrics(folder).pooled[RANK_1].value for folder in folders]
    assert [row["first"], row["second"]] == pytest.approx(values)
    assert row["change"] == pytest.approx(row["second"] - row["first"])
    assert row["low"] < row["change"] < row["high"]
    assert "fits" in row["method"]
    assert (ran.json["first"]["fits"], ran.json["first"]["one_fit"]) == (FITS, False)
    ran = run_harness(
        *("gate", "--baseline", folders[0], "--candidate", folders[1]),
        *("--metric", RANK_1, "--margin", "0.02", "--json"),
    )
    assert ran.json["fits"] == [FITS, FITS]
    assert ran.json["trials"][0]["candidate"] == pytest.approx(values[1])
