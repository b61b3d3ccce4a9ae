"""Published rows: as published, with their data set, and never among our own."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.plugins.places import bundled
from harness.record.manifest import AttackOrigin, Manifest
from harness.record.published import COLUMNS, Published, published_beside, read_published
from harness.reporting.sections.published import published_tables
from harness.tasks.catalogue import entry_of
from harness.tasks.results import Outcome
from tests.reporting.conftest import render

HOSTILE = '<script>alert("1")</script> | "q"\n=cmd é'


def test_every_row_names_its_data_set_its_source_and_how_it_was_averaged() -> None:
    rows = read_published()
    assert len(rows) > 300
    for row in rows:
        assert row.use_case
        assert row.system
        assert row.data_set
        assert row.source
        assert row.averaging in {"pooled", "fold means", "mean of random repeats", "not stated"}
        assert 0 <= row.value <= 1
    keys = [(r.use_case, r.data_set, r.system, r.metric) for r in rows]
    assert len(keys) == len(set(keys)), "a figure stands twice"


def test_metric_ids_are_those_of_the_catalogue() -> None:
    for row in read_published():
        if "@" in row.metric or row.metric in {"map", "accuracy", "tattoo-accuracy"}:
            entry_of(row.metric)


def text_of(row: Published) -> str:
    return repr(row.value)


def test_rows_called_pooled_are_whole_numbers_of_trials_and_those_of_fold_means_are_not() -> None:
    """A pooled share is k/n for a whole k, to the digits that were published."""

    def fits(row: Published) -> bool:
        n = int(row.trials)
        half = Decimal(1).scaleb(int(Decimal(text_of(row)).as_tuple().exponent)) / 2
        near = round(row.value * n)
        return any(
            abs(Decimal(k) / n - Decimal(text_of(row))) <= half for k in range(near - 1, near + 2)
        )

    rows = [r for r in read_published() if r.trials and not r.metric.startswith("m")]
    pooled = [r for r in rows if r.averaging == "pooled"]
    assert len(pooled) > 200
    assert [r for r in pooled if not fits(r)] == []
    impossible = [r for r in rows if r.averaging == "fold means" and not fits(r)]
    assert sorted(r.value for r in impossible) == [0.017, 0.111, 0.164]


def test_protocols_that_come_with_published_figures_find_them(manifest: Manifest) -> None:
    found = {}
    for name in ("identification", "region", "mixed-media", "similarity", "detection"):
        table = tomllib.loads((bundled("protocols") / f"{name}.toml").read_text())
        manifest.origin.protocol = name
        use_case = table["data"]["use-case"]
        found[name] = published_beside(name, use_case, table["metrics"], attacked=False)
        assert any(row.data_set == "Tatt-C" for row in found[name]), name
    triplet = {r.metric: r.value for r in found["similarity"] if r.system == "Deep Tattoo triplet"}
    assert triplet == {
        "hit-rate@rank=1": 0.055,
        "hit-rate@rank=10": 0.164,
        "hit-rate@rank=20": 0.249,
        "hit-rate@rank=30": 0.316,
    }


def test_sources_stand_in_a_footnote_and_not_in_a_column_that_widens_the_table() -> None:
    def row(system: str, source: str) -> Published:
        return Published("x", system, "map", 0.5, "data", "9", "", "pooled", source, "")

    (one,) = published_tables([row("a", "A paper"), row("b", "A paper")], [])
    assert "Source" not in one.table.columns
    assert one.notes == ("Source: A paper",)
    assert [line[0] for line in one.table.rows] == ["a", "b"]
    (two,) = published_tables([row("b", "Another"), row("a", "A paper")], [])
    assert two.notes == ("Sources: ¹ A paper; ² Another",)
    assert [line[0] for line in two.table.rows] == ["a\u202f¹", "b\u202f²"]
    (many,) = published_tables([row(f"s{k:02}", f"Paper {k}") for k in range(12)], [])
    assert many.table.rows[11][0] == "s11\u202f¹²"


def test_systems_stand_by_name_not_by_result() -> None:
    rows = [row for row in read_published() if row.use_case == "mixed_media"]
    (table, *_) = published_tables(rows, ["hit-rate@rank=1"])
    systems = [line[0].partition("\u202f")[0] for line in table.table.rows]
    assert systems == sorted(systems, key=str.casefold)
    assert table.table.columns[1] == "Hit rate within rank 1"


def test_the_ranks_of_one_metric_stand_in_their_order_and_a_note_on_all_names_nobody() -> None:
    rows = [
        Published("x", system, f"hit-rate@rank={rank}", 0.5, "data", "9", "", "pooled", "A", "so")
        for system in ("a", "b")
        for rank in (1, 10, 5)
    ]
    (found,) = published_tables(rows, ["hit-rate@rank=1", "hit-rate@rank=10"])
    assert [head[-2:].strip() for head in found.table.columns[1:4]] == ["1", "5", "10"]
    assert found.notes == ("Source: A", "All systems: so")


@pytest.mark.parametrize(
    ("metrics", "use_case", "protocol", "found"),
    [
        (["hit-rate@rank=10", "map"], "tattoo_similarity", "mine", True),
        (["top-k-accuracy@k=1"], "tattoo_similarity", "style", False),
        (["accuracy"], "tattoo_detection", "detection", True),
        (["iou", "pixel-accuracy"], "tattoo_detection", "segmentation", False),
        (["net-removal"], "tattoo-detection", "removal", False),
        # What was published under the protocol's own name is of it, whatever its metrics.
        (["tag-map"], "tattoo_detection", "tagging", True),
    ],
)
def test_figures_of_another_question_on_the_same_data_are_left_out(
    manifest: Manifest, metrics: list[str], use_case: str, protocol: str, found: bool
) -> None:
    manifest.origin.protocol = protocol
    rows = published_beside(protocol, use_case, metrics, attacked=False)
    assert bool(rows) == found
    assert {row.use_case for row in rows} <= {use_case, protocol}
    manifest.origin.attack = AttackOrigin("inpaint", "", {}, {}, "removal", "", "")
    assert published_beside(protocol, use_case, metrics, attacked=True) == []


def test_a_run_shows_the_published_rows_of_its_use_case_with_their_data_set(
    manifest: Manifest, outcome: Outcome
) -> None:
    page = render(manifest, outcome, lambda name: None, use_case="tattoo_similarity")
    assert "Published, on Tatt-C" in page
    assert "Deep Tattoo triplet" in page
    assert "fold means" in page
    assert page.index('id="published"') > page.index('id="result"')
    metrics = page[page.index('class="metrics"') : page.index('id="published"')]
    assert "Deep Tattoo" not in metrics
    manifest.origin.protocol = "something-else"
    assert "Published, on" not in render(manifest, outcome, lambda name: None)


def test_published_words_are_shown_as_text(
    manifest: Manifest, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Published("x", HOSTILE, HOSTILE, 0.5, HOSTILE, HOSTILE, "", "pooled", HOSTILE, HOSTILE)
    monkeypatch.setattr("harness.record.published.read_published", lambda: (row,))
    manifest.origin.protocol = "x"
    page = render(manifest, outcome, lambda name: None)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_file_with_other_columns_or_no_number_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="first line"):
        read_published(path)
    other = tmp_path / "other.csv"
    other.write_text(",".join(COLUMNS) + "\nx,s,map,many,d,,,pooled,src,\n")
    with pytest.raises(DataError, match="line 2.*'many'"):
        read_published(other)
