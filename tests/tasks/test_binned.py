"""Errors by the size of tattoos and by quality: each bin is what its own trials give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.records import Record
from harness.data.tattoo_size import box_share, marked_share, size_of_tattoo
from harness.tasks import closed_set, identification
from harness.tasks.answers import Answered
from harness.tasks.binned import AREA, MASK, QUALITY, Bins, bins_by, quality_bins, rates_in
from harness.tasks.pairs import Threshold
from tests.tasks.drawn import answers, dataset, protocol


def sized(kind: str = "identification") -> Answered:
    task = closed_set.TASK if kind == "closed-set" else identification.TASK
    asked = protocol(kind, ["hit-rate@rank=1"], folds={"draws": 2} if "set" in kind else {})
    data = dataset([3, 4, 3, 3, 4, 3, 3, 3, 3, 3])
    boxes = [(0, 0, 20, 20), (0, 0, 50, 50), (0, 0, 90, 90), None]
    records = {
        name: replace(record, box=boxes[k % 4], size=(100, 100), marked=(k % 10) / 20)
        for k, (name, record) in enumerate(data.records.items())
    }
    data = replace(data, records=records)
    folds = task.lay_out(data, asked)
    return Answered(folds, answers(folds, 9, (folds[0].probes[0],)), records, asked)


@pytest.mark.parametrize("what", [AREA, MASK])
def test_each_bin_has_the_rates_of_its_probes_alone(what: str) -> None:
    run = sized()
    pairs = identification.TASK.pairs(run)
    assert pairs is not None
    bar = Threshold(0.3, 0.01, 0.01, 40, 4000)
    bins = bins_by(what, run.records)
    parts = identification.TASK.parts(run)
    found = rates_in(bins, pairs, bar, parts, 2)
    assert 2 <= len(found) <= 4
    for one in found:
        missed = [
            score <= 0.3
            for score, probe in zip(pairs.mated.scores, pairs.mated.probes, strict=True)
            if bins.of.get(pairs.names[probe]) == one.name
        ]
        hits = [
            rank <= 2
            for part in parts
            for probe, rank in zip(part.fold.probes, part.ranks, strict=True)
            if bins.of.get(probe) == one.name
        ]
        assert one.fnmr is not None
        assert one.hits is not None
        assert one.fnmr.value == pytest.approx(np.mean(missed))
        assert one.hits.value == pytest.approx(np.mean(hits))
        assert (one.fnmr.n, one.hits.n) == (len(missed), len(hits))
        assert one.identities == len({run.records[p].tattoo for p in _probes(run, bins, one.name)})
    counted = sum(one.hits.n for one in found if one.hits is not None)
    assert counted == sum(bins.of.get(p) is not None for fold in run.folds for p in fold.probes)


def _probes(run: Answered, bins: Bins, name: str) -> list[str]:
    return [p for fold in run.folds for p in fold.probes if bins.of.get(p) == name]


def test_without_a_threshold_there_are_hit_rates_and_without_searches_error_rates() -> None:
    run = sized("closed-set")
    pairs, parts = closed_set.TASK.pairs(run), closed_set.TASK.parts(run)
    assert pairs is not None
    bins = bins_by(AREA, run.records)
    assert all(one.fnmr is None and one.hits for one in rates_in(bins, pairs, None, parts))
    bar = Threshold(0.3, 0.01, 0.01, 40, 4000)
    assert all(one.hits is None and one.fnmr for one in rates_in(bins, pairs, bar))


def test_quarters_hold_equally_many_and_equal_qualities_stay_together() -> None:
    spread = quality_bins({str(k): k / 100 for k in range(100)})
    assert len(spread.names) == 4
    counts = [list(spread.of.values()).count(name) for name in spread.names]
    assert counts == [25] * 4
    assert spread.names[0] == "0.000 to 0.240"
    tied = quality_bins({str(k): float(k > 90) for k in range(100)})
    assert tied.names == ("0.000", "1.000")
    assert quality_bins({}).names == ()
    assert bins_by(QUALITY, {"a": Record("a", Path("a"))}).names == ()
    assert bins_by(QUALITY, {"a": Record("a", Path("a"), quality=0.5)}).of == {"a": "0.500"}
    with pytest.raises(ValueError, match="there are area, mask and quality"):
        bins_by("colour", {})


def test_a_box_counts_as_far_as_it_lies_in_the_image() -> None:
    record = Record("a", Path("a"), box=(-10, 50, 50, 200), size=(100, 100))
    assert box_share(record) == 0.25
    assert size_of_tattoo(record) == "10 to 30 %"
    assert size_of_tattoo(replace(record, size=None)) is None


def test_a_mask_is_measured_and_one_that_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    mask = np.zeros((10, 20), np.uint8)
    mask[:5, :4] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    assert marked_share(Record("a", Path("a"), mask=tmp_path / "m.png")) == 0.1
    (tmp_path / "no.png").write_bytes(b"no picture")
    assert marked_share(Record("a", Path("a"), mask=tmp_path / "no.png")) is None
    assert marked_share(Record("a", Path("a"), mask=tmp_path / "gone.png")) is None
    assert marked_share(Record("a", Path("a"), marked=0.5)) == 0.5
