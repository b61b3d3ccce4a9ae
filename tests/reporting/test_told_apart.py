"""Sections of stored scores told apart, of a run on a small set whose manifest says everything."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.comparing.baselines import run_of as run_of_baseline
from harness.errors import BadFile, UsageError
from harness.plugins.places import bundled
from harness.record import record
from harness.record.record import read_run
from harness.record.told_apart import COLUMN, LISTED, STREAMED, ToldApart
from harness.record.truth import TRUTH
from harness.reporting.drawing.told_apart import discard_figure, kinds_figure, workload_figure
from harness.reporting.sections import discarding, look_alikes, sizes, workload
from harness.tasks.pairs import Threshold
from harness.verbs.result import Run
from harness.verbs.told_apart import workload_frame
from tests.conftest import run_here, save_png
from tests.reporting.conftest import make_manifest, make_outcome, section_input

TATTOOS, STYLES = 14, ("tribal", "<b>fine", "japanese")


def write_set(root: Path) -> None:
    """Write tattoos of three pictures each, with style, group, box, mask and quality."""
    rng = np.random.default_rng(11)
    rows = []
    for tattoo in range(TATTOOS):
        pattern = rng.integers(0, 256, (4, 4, 3))
        for k in range(3):
            name = f"t{tattoo:02d}-{k}.png"
            noise = (10, 60, 150)[int(rng.integers(3))]
            picture = np.kron(pattern, np.ones((6, 6, 1))) + rng.normal(0, noise, (24, 24, 3))
            save_png(root / name, picture)
            side = int(rng.integers(4, 24))
            mask = np.zeros((24, 24), np.uint8)
            mask[: side // 2, :side] = 255
            save_png(root / "masks" / name, mask)
            rows.append(
                {
                    "image": name,
                    "tattoo": f"t{tattoo:02d}",
                    "group": f"g{tattoo // 2}",
                    "style": STYLES[tattoo % 3],
                    "box": f"0 0 {side} {side}",
                    "mask": f"masks/{name}",
                    "quality": "" if tattoo == 3 else f"{1 - noise / 160:.3f}",
                }
            )
    with (root / "set.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("apart")
    (folder / "set" / "masks").mkdir(parents=True)
    write_set(folder / "set")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_ON", "in-process")
        for protocol in ("closed-set", "open-set", "verification"):
            done = run_here(
                *("run", "--protocol", protocol, "--algo", "colours", "--data", "set/set.csv"),
                *("--folds", "1"),
            )
            assert done.code == 0, done.err
        yield folder


def run_of(protocol: str) -> Run:
    return harness.load(f"{protocol}/colours")


def apart_in(protocol: str) -> ToldApart:
    return ToldApart(read_run(run_of(protocol).folder))


def test_the_report_has_every_section_and_escapes_the_words_of_a_data_set(place: Path) -> None:
    page = run_of("closed-set").report.read_text(encoding="utf-8")
    for name in ("look-alikes", "sizes", "discarding", "workload"):
        assert f'<section id="{name}"' in page
    assert "<b>fine" not in page
    page = run_of("verification").report.read_text(encoding="utf-8")
    assert '<section id="workload"' not in page
    assert '<section id="discarding"' in page


def test_what_is_known_of_images_stays_in_the_run(place: Path) -> None:
    apart = apart_in("closed-set")
    record = apart.run.records["t00-1.png"]
    mask = record.marked
    assert mask is not None
    assert 0 < mask < 0.5
    assert record.quality is not None
    assert apart.run.records["t03-0.png"].quality is None


def test_frames_have_the_figures_of_the_sections(place: Path) -> None:
    apart, run = apart_in("closed-set"), run_of("closed-set")
    frame = run.workload(1, 4)
    found = apart.workload(1, 4)
    assert found is not None
    assert frame.length.dropna().unique().tolist() == [1, 4]
    viewed = frame[frame.metric == "viewed@rank=4"].iloc[0]
    assert viewed.value == found.lengths[1].viewed.value
    assert viewed.chance == found.lengths[1].viewed.chance
    alike = run.look_alikes()
    assert set(alike.by) == {"group", "style"}
    by_style = next(one for one in apart.same_design() if one.column == "style")
    chosen = alike[(alike.by == "style") & (alike.kind == "same")].iloc[0]
    assert (chosen.value, chosen.n) == (by_style.same.fmr.value, by_style.same.comparisons)
    sized = run.sizes()
    assert set(sized.by) == {"area", "mask"}
    assert set(sized.metric) == {"fnmr", "hit-rate@rank=1"}
    quality = run.quality()
    (one,) = apart.discarding()
    assert set(quality.source) == {COLUMN}
    area = quality[quality.metric == "discard-area@limit=0.2"].iloc[0]
    assert area.value == pytest.approx(one.area.value * 0.2)  # type: ignore[operator]
    curve = quality[quality.metric == "fnmr"]
    assert curve.value.tolist() == [one.at(share) for share in one.shares]


def test_comparisons_of_images_without_a_quality_are_left_out_and_counted(place: Path) -> None:
    (found,) = apart_in("verification").discarding()
    assert found.unknown == 3  # the pairs of the one tattoo
    assert found.comparisons == 3 * (TATTOOS - 1)
    assert found.refused == 0


def test_each_section_says_what_it_means(place: Path) -> None:
    apart = apart_in("open-set")
    found = apart.workload()
    assert found is not None
    assert found.thresholds
    page = run_of("open-set").report.read_text(encoding="utf-8")
    assert "Candidates at or above a threshold in each search" in page
    assert "How long candidate lists must be" in page
    assert "for each mate that is found" in page
    assert "FNMR of the comparisons that stay" in page or "nothing can be gained" in page
    assert "left out, of which an image has no quality" in page


def test_a_run_whose_scores_were_not_kept_says_what_cannot_be_had(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = apart_in("closed-set").run
    made = section_input(make_manifest(), make_outcome(), records=run.records)
    for why in (STREAMED, LISTED):
        apart = ToldApart(run)
        monkeypatch.setattr(ToldApart, "without_threshold", why)
        vars(made)["apart"] = apart
        assert apart.threshold is None
        for module in (look_alikes, discarding):
            section = module.section(made)
            assert section is not None
            assert why in section.content
        section = sizes.section(made)
        assert section is not None
        assert f"There is no FNMR by size: {why}" in section.content
        assert "Hit rate within rank 1" in section.content
        with pytest.raises(UsageError, match="errors cannot be told apart"):
            run_of("closed-set").quality()


def test_without_stored_scores_or_known_images_there_are_no_sections() -> None:
    made = section_input(make_manifest(), make_outcome())
    for module in (look_alikes, sizes, discarding, workload):
        assert module.section(made) is None


def test_a_threshold_of_few_false_matches_is_said_to_be_one() -> None:
    sure = look_alikes.at_threshold(Threshold(0.5, 0.01, 0.01, 40, 4000))
    unsure = look_alikes.at_threshold(Threshold(0.5, 0.1, 0.1, 4, 40))
    assert "order of magnitude" in unsure
    assert "order of magnitude" not in sure


def test_the_rate_that_is_allowed_is_named_where_the_attained_one_is_lower() -> None:
    equal = look_alikes.at_threshold(Threshold(0.5, 0.01, 0.01, 40, 4000))
    lower = look_alikes.at_threshold(Threshold(0.5, 0.01, 0.008, 32, 4000))
    assert "(40 of 4,000)." in equal
    assert "(32 of 4,000; 1.0" in lower


def test_figures_of_nothing_are_left_out_and_of_equal_scores_as_well(place: Path) -> None:
    none, one = np.empty(0), np.array([0.5])
    assert kinds_figure("style", none, one, one) is None
    assert kinds_figure("style", one, one, one) is None
    apart = apart_in("closed-set")
    found = apart.workload(3)
    assert found is not None
    assert workload_figure(found, "a") is None
    (curve,) = apart.discarding()
    figure = discard_figure(curve, "d")
    assert figure.csv.splitlines()[0] == "discarded,fnmr"
    assert len(figure.csv.splitlines()) == len(curve.discarded) + 1


def test_a_quality_in_a_run_folder_is_held_to_its_range(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(run_of("verification").folder, folder)
    text = (folder / TRUTH).read_text(encoding="utf-8")
    place_of = text.index('"quality": ')
    end = text.index(",", place_of)
    (folder / TRUTH).write_text(text[:place_of] + '"quality": 1.5' + text[end:], encoding="utf-8")
    with pytest.raises(BadFile, match="expected 0 to 1"):
        read_run(folder)


def test_questions_that_compare_no_images_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_of_baseline("detection-hog-svm", bundled("fixtures") / "golden")
    monkeypatch.setattr(record, "check_answers", lambda folder: {})
    with pytest.raises(UsageError, match="compares no images"):
        workload_frame(folder, ())


def test_columns_that_tell_no_identities_apart_make_no_comparisons_of_images(place: Path) -> None:
    apart = apart_in("verification")
    assert apart.design_columns == ("group", "style")
    records = {  # one word of each identity, or one of all: nothing looks alike, nothing different
        name: replace(
            record,
            group=record.tattoo,
            style="tribal",
            box=None,
            mask=None,
            marked=None,
            quality=None,
        )
        for name, record in apart.run.records.items()
    }
    bare = ToldApart(replace(apart.run, records=records))
    assert (bare.design_columns, bare.same_design(), bare.sizes(), bare.discarding()) == (
        (),
        [],
        {},
        [],
    )
    assert "pairs" not in vars(bare)
