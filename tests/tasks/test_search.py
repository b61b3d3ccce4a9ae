"""Search: whole queries in folds, the first page before and after, failures as the worst."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from generators.procedural.searches import TALK
from harness.data.readers.layouts import open_dataset
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError
from harness.plugins.places import bundled
from harness.tasks import search
from harness.tasks.answers import PictureAnswer
from harness.tasks.reading import read_protocol
from tests.tasks.trials_kept import without_trials

PROTOCOL, _ = read_protocol(bundled("protocols") / "search.toml")
TWO = PROTOCOL.model_copy(
    update={"metrics": ("tattoo-free@k=2", "tattoo-free-before@k=2", "kept-tattoos@k=2")}
)


def rows() -> dict[str, Record]:
    """Make a query of an advertisement, a shop front, a large and a small tattoo."""
    facts = [("ad", 100.0, "non-tattoo"), ("shop", 90.0, "non-tattoo")]
    facts += [("sleeve", 50.0, "tattoo"), ("dot", 80.0, "tattoo")]
    return {
        name: Record(name, Path(name), query="q", text_score=score, label=label)
        for name, score, label in facts
    }


def answers(tmp_path: Path, shares: dict[str, float | None]) -> PictureAnswer:
    files = []
    for name, share in shares.items():
        mask = np.zeros((10, 10), np.uint8)
        mask.ravel()[: round(100 * (share or 0))] = 255
        PIL.Image.fromarray(mask).save(tmp_path / f"{name}.png")
        files.append(None if share is None else tmp_path / f"{name}.png")
    failures = {name: "dark" for name, share in shares.items() if share is None}
    return PictureAnswer(np.empty(0), failures, files=tuple(files))


def test_the_first_page_is_counted_before_and_after(tmp_path: Path) -> None:
    told = rows()
    fold = Fold("1", (), tuple(told))
    answer = answers(tmp_path, {"ad": 0.0, "shop": 0.01, "sleeve": 0.5, "dot": 0.05})
    found = search.TASK.judge([fold], [answer], told, TWO)
    # 0, 3.6, 50, 16: sleeve, dot, shop, ad.
    assert [s.probe for s in found.searches] == ["sleeve", "dot", "shop", "ad"]
    assert [s.score for s in found.searches] == pytest.approx([50, 16, 3.6, 0])
    assert found.metrics.pooled["tattoo-free-before@k=2"].value == 1
    assert found.metrics.pooled["tattoo-free@k=2"].value == 0
    assert found.metrics.pooled["kept-tattoos@k=2"].value is None  # there was none to keep


def test_every_metric_can_be_compared(tmp_path: Path) -> None:
    told = rows()
    answer = answers(tmp_path, {"ad": 0.0, "shop": 0.01, "sleeve": 0.5, "dot": 0.05})
    missing = without_trials([Fold("1", (), tuple(told))], [answer], told, TWO)
    assert missing == {"kept-tattoos@k=2"}, "there was none to keep"


def test_refusing_an_image_gains_nothing(tmp_path: Path) -> None:
    told = rows()
    fold = Fold("1", (), tuple(told))
    refused = answers(tmp_path, {"ad": None, "shop": None, "sleeve": None, "dot": None})
    found = search.TASK.judge([fold], [refused], told, TWO)
    assert [s.probe for s in found.searches] == ["ad", "shop", "sleeve", "dot"]
    assert found.metrics.pooled["tattoo-free@k=2"].value == 1
    assert len(found.failures) == 4


def test_queries_stay_whole_and_what_they_share_is_not_learned_from() -> None:
    told = {
        f"{query}{k}": Record(
            f"{query}{k}",
            Path(f"{query}{k}"),
            query=query,
            text_score=1.0,
            label="non-tattoo",
            source="common" if (query, k) in (("a", 0), ("b", 0)) else None,
        )
        for query in "abcdef"
        for k in range(3)
    }
    told["t"] = Record("t", Path("t"), role="train", label="non-tattoo", source="common")
    folds = search.TASK.lay_out(Dataset("d", Path(), "csv", told), PROTOCOL)
    place = {told[name].query: fold.name for fold in folds for name in fold.probes}
    assert place["a"] == place["b"]
    for fold in folds:
        assert not {told[n].query for n in fold.train} & {told[n].query for n in fold.probes}
        assert ("t" in fold.train) == (fold.name != place["a"])


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"query": None}, "query"),
        ({"text_score": None}, "text_score"),
        ({"text_score": -1.0}, "text_score"),
        ({"label": None}, "label"),
    ],
)
def test_a_result_without_what_a_search_needs_is_named(
    change: dict[str, object], column: str
) -> None:
    told = rows()
    told["dot"] = replace(told["dot"], **change)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=f"1 of 4 results have no usable '{column}', e.g. dot"):
        search.TASK.lay_out(Dataset("d", Path(), "csv", told), PROTOCOL)


def test_the_shipped_pictures_put_the_talk_s_rows_in_its_order() -> None:
    data = open_dataset(bundled("fixtures") / "search", use_case="search")
    told = {n: r for n, r in data.records.items() if r.query == "Ami James"}
    fold = Fold("1", (), tuple(told))
    # A perfect segmenter's answers are the masks themselves; one without a tattoo is empty.
    empty = next(r.mask for r in told.values() if r.text_score == 936.4263)
    files = tuple(r.mask or empty for r in told.values())
    found = search.TASK.judge([fold], [PictureAnswer(np.empty(0), files=files)], told, PROTOCOL)
    scores = [told[s.probe].text_score for s in found.searches]
    assert scores[:5] == [1161.6285, 790.2487, 541.61005, 460.51703, 439.44492]
    shares = {r.text_score: r for r in told.values()}
    assert len(shares) == len(TALK)
    for s in found.searches:
        (wanted,) = (share for _, score, share in TALK if score == told[s.probe].text_score)
        if wanted:
            assert s.values["concentration"] == pytest.approx(wanted, abs=5.1e-4)
