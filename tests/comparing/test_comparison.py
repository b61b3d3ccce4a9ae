"""Runs side by side: every metric, every search and every group, in numbers and as a page."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from harness.comparing.comparison import Shown, compare
from harness.comparing.listing import listing
from harness.comparing.outcomes import most_changed, outcomes, shifts
from harness.comparing.subgroups import Group, attributes_of, exchange_probability, groups
from harness.data.readers.manifest import read_manifest
from harness.data.records import Fold, Record
from harness.metrics.ids import Metric
from harness.record.record import write_truth
from harness.reporting.comparison import render
from harness.reporting.sections.searches import row_of
from harness.runs.joining import join
from harness.tasks.results import Candidate, Judgement
from tests.comparing.conftest import Altered, reversed_order
from tests.conftest import run_harness, save_png

HIT = Metric.parse("hit-rate@rank=1")


def found_at(ranks: list[int | None], gallery: int = 9) -> list[Judgement]:
    return [
        Judgement("1", f"p{i}", f"t{i}", rank=rank, mates=1, gallery=gallery)
        for i, rank in enumerate(ranks)
    ]


def test_every_metric_of_both_runs_stands_in_the_table_with_its_change(
    finished: Path, altered: Altered
) -> None:
    worse = altered("worse", reversed_order)
    assert run_harness("score", worse).code == 0
    found, _, _ = compare([finished, worse])
    before, after = (
        json.loads((folder / "metrics.json").read_text())["pooled"] for folder in (finished, worse)
    )
    rows = {row.metric: row for row in found.pairs[0].rows}
    assert next(iter(rows)) == "hit-rate@rank=1"
    assert set(rows) == set(before)
    for metric, row in rows.items():
        assert (row.first, row.second) == (before[metric]["value"], after[metric]["value"])
        assert row.change == pytest.approx(after[metric]["value"] - before[metric]["value"])
        assert row.change is not None
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.change <= row.high
    assert rows["hit-rate@rank=1"].better == "first"
    assert rows["eer"].better == "first"
    assert rows["hit-rate@rank=10"].better == ""


def test_one_fit_of_a_learner_is_not_called_better(altered: Altered) -> None:
    runs = [altered("one", learns=True), altered("worse", reversed_order, learns=True)]
    found, _, _ = compare(runs)
    pair = found.pairs[0]
    assert pair.remark.startswith("one fit each: another seed may move this as much")
    assert pair.rows[0].high is not None
    assert pair.rows[0].high < 0
    assert {row.better for row in pair.rows} == {""}
    assert compare([runs[0], altered("same", learns=True)])[0].pairs[0].remark == ""


def test_where_only_the_seed_differs_that_is_said(altered: Altered) -> None:
    runs = [
        altered(
            f"seed-{seed}", scores, learns=True, parameters={"seed": seed}, identity=f"{seed}" * 64
        )
        for seed, scores in ((1, None), (2, reversed_order))
    ]
    found, _, _ = compare(runs)
    assert found.pairs[0].remark.startswith("only the seed differs; one fit each")


def test_wins_losses_and_draws_are_all_searches(finished: Path, altered: Altered) -> None:
    found, _, shown = compare([finished, altered("worse", reversed_order)])
    pair = found.pairs[0]
    assert pair.wins + pair.losses + pair.draws == 24
    assert pair.losses > pair.wins
    assert pair.lost == [(s.first.fold, s.first.probe) for s in shown[0].lost]
    assert len({s.first.identity for s in shown[0].lost}) == len(shown[0].lost)


def test_several_runs_are_put_beside_the_first(finished: Path, altered: Altered) -> None:
    ran = run_harness("compare", finished, altered("a"), altered("b", reversed_order), "--json")
    assert ran.code == 0, ran.err
    same, worse = ran.json["pairs"]
    assert all(row["change"] == 0 for row in same["rows"])
    assert worse["rows"][0]["change"] < 0


def test_runs_that_cannot_be_compared_exit_with_4(finished: Path, altered: Altered) -> None:
    ran = run_harness("compare", finished, altered("other", data_hash="0" * 64))
    assert ran.code == 4
    assert "other images" in ran.err


def test_one_run_is_not_a_comparison(finished: Path) -> None:
    ran = run_harness("compare", finished)
    assert ran.code == 2
    assert "name two run folders or more" in ran.err


def test_a_control_may_stand_beside_an_algorithm(finished: Path, altered: Altered) -> None:
    found, _, _ = compare([finished, altered("control", control=True)])
    assert found.pairs[0].rows[0].change == 0


def test_the_page_shows_the_searches_that_changed_most_as_pictures(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    page = tmp_path / "out" / "page.html"
    ran = run_harness("compare", finished, altered("worse", reversed_order), "--out", page)
    assert ran.code == 0, ran.err
    assert f"page  {page}" in ran.out
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg") > 20
    assert 'src="http' not in text
    assert "is better on this data" in text
    assert "Holm" not in text  # nothing is known of these probes to group them by


def page_of(*folders: Path) -> str:
    found, _, shown = compare(folders)
    return render(found, shown, lambda name: None)


def test_a_loss_and_a_gain_differ_in_words_by_the_metric_s_own_direction(
    finished: Path, altered: Altered
) -> None:
    page = page_of(finished, altered("worse", reversed_order))
    rows = {
        label: row
        for row in page.split("<tr")
        for label in ("Hit rate within rank 1<", "Equal error rate (EER)", "FMR\u00a0≤\u00a010")
        if label in row
    }
    assert len(rows) == 3
    for label, row in rows.items():
        # The hit rate falls, the errors rise: both for the worse, and so it stands there.
        assert 'class="loss sure"' in row, label
        assert ">worse</small>" in row, label
        assert ("lower is better" in row) is ("Hit rate" not in label), label
    assert "+" in rows["Equal error rate (EER)"]
    back = page_of(altered("worse2", reversed_order), finished)
    assert 'class="gain sure"' in back
    assert ">better</small>" in back


def test_curves_of_all_runs_stand_in_one_plot_each(finished: Path, altered: Altered) -> None:
    page = page_of(finished, altered("one", reversed_order), altered("two"))
    for figure in ("cmc", "det"):
        assert page.count(f'data-overlay="{figure}"') == 1
        plot = page[page.index(f'data-overlay="{figure}"') :]
        assert plot[: plot.index("</svg>")].count('<g class="curve k') == 3
        assert f'<a href="#{figure}">' in page


def test_the_mate_that_a_run_missed_is_shown_with_its_rank(
    finished: Path, altered: Altered
) -> None:
    search = found_at([12], gallery=15)[0]
    search.candidates = [Candidate(f"r{i}", -float(i), mated=i == 11) for i in range(15)]
    row = row_of(search)
    assert [placed.place for placed in row.shown] == [1, 2, 3, 4, 5, 6, 12]
    assert row.shown[-1].candidate.mated
    page = page_of(finished, altered("worse", reversed_order))
    lost = page[page.index("Lost</span>") : page.index("Gained</span>")]
    answers = lost.split('class="answer"')[1:]
    assert len(answers) >= 2
    assert all('class="mate"' in answer for answer in answers)


def test_where_no_searches_are_kept_nothing_is_said_of_them(
    finished: Path, altered: Altered
) -> None:
    found, _, shown = compare([finished, altered("worse", reversed_order)])
    pair = found.pairs[0]
    assert "Search by search" in render(found, shown, lambda name: None)
    pair.wins = pair.losses = pair.draws = 0
    page = render(found, [Shown([], [], shown[0].curves)], lambda name: None)
    assert "Search by search" not in page
    assert "changed most" not in page
    assert 'href="#changed' not in page


@pytest.mark.parametrize(
    ("metric", "measured", "first", "change"),
    [
        (
            "hit-rate@rank=1",
            "share of searches with a mate within rank 1",
            "25.0\u202f%",
            "+50.0 points",
        ),
        ("map", "mean average precision", "0.250", "+0.500"),
        ("net-removal", "mean of net-removal", "0.250", "+0.500"),
        ("residual", "mean of residual", "−0.250", "−0.500"),
    ],
)
def test_groups_are_told_in_the_unit_of_what_was_compared(
    finished: Path, altered: Altered, metric: str, measured: str, first: str, change: str
) -> None:
    found, _, shown = compare([finished, altered("worse", reversed_order)])
    found.metric = metric
    found.pairs[0].measured = measured
    found.pairs[0].groups = [
        Group("style", "old school", 9, 9, 0.25, 0.75, 0.5, 0.1, 0.9, 0.01, 0.02, True)
    ]
    page = render(found, shown, lambda name: None)
    row = next(row for row in page.split("<tr") if "old school" in row)
    assert f"<td>{first}</td>" in row
    assert f">{change}</span>" in row
    assert ">better</small>" in row


def test_where_a_fit_may_have_made_it_no_group_is_called_different(altered: Altered) -> None:
    found, _, shown = compare(
        [altered("one", learns=True), altered("worse", reversed_order, learns=True)]
    )
    pair = found.pairs[0]
    pair.groups = [Group("style", "old school", 9, 9, 0.25, 0.75, 0.5, 0.1, 0.9, 0.01, 0.02, True)]
    page = render(found, shown, lambda name: None)
    words = re.sub(r'<span class="whole">(.*?)</span>', r"\1", page)
    assert f"No group is called different: {pair.remark}." in words
    row = next(row for row in page.split("<tr") if "old school" in row)
    assert "differs" not in row
    assert "differs" not in listing(found)
    pair.remark = ""
    page = render(found, shown, lambda name: None)
    assert "The runs differ in style “old school”." in page
    assert "differs" in [row for row in page.split("<tr") if "old school" in row][-1]
    assert "differs" in listing(found)


def test_what_the_records_do_not_share_stands_on_the_page(finished: Path, altered: Altered) -> None:
    other = altered("other", reversed_order, parameters={"cells": 6, "seed": 0})
    page = page_of(finished, other)
    assert "Parameter cells</th><td>4</td><td>6</td>" in page
    assert "differs from" in page
    assert "in nothing that is recorded" in page_of(finished, altered("same"))


def test_too_few_fits_for_an_interval_are_said_once(altered: Altered, tmp_path: Path) -> None:
    fits = [
        altered(
            f"fit-{seed}",
            scores,
            learns=True,
            parameters={"cells": 4, "seed": seed},
            identity=f"{seed}" * 64,
            result_hash=f"{seed}" * 64,
        )
        for seed, scores in ((1, None), (2, reversed_order))
    ]
    page = page_of(altered("still"), join(fits, tmp_path, "made up"))
    assert page.count("no interval: too few fits (1 and 2)") == 1
    assert "Of all metrics: no interval" in page
    table = page[page.index('<table class="metrics">') :]
    head = table[: table.index("</thead>")]
    assert "95 % interval" not in head
    assert "Around 0" not in head
    # Where nobody decides, nothing is said of how a group or a search would be.
    assert "unless another fit of an algorithm that learns" in page


def test_paper_names_every_run_that_it_compares(finished: Path, altered: Altered) -> None:
    other = altered("other", identity="b" * 64)
    first = json.loads((finished / "manifest.json").read_text())["identity"][:12]
    assert f'content: "runs {first}, bbbbbbbbbbbb";' in page_of(finished, other)
    assert f'content: "run {first}";' in page_of(finished, finished)


def test_a_shift_counts_places_at_the_head_of_the_list_for_more() -> None:
    found = shifts(found_at([2, 102, 5, None, 1]), found_at([1, 101, 5, 1, None]), HIT)
    amounts = [s.amount for s in found]
    assert amounts[0] == 1
    assert 0 < amounts[1] < 0.1
    assert amounts[2] == 0
    assert amounts[3] == -amounts[4] == pytest.approx(np.log2(10))


def test_most_changed_shows_every_identity_once_before_any_twice() -> None:
    first, second = found_at([9, 8, 7, 6]), found_at([1, 1, 1, 1])
    for search in (*first[:3], *second[:3]):
        search.identity = "one"
    chosen = most_changed(shifts(first, second, HIT), 2, better=True)
    assert [s.first.probe for s in chosen] == ["p0", "p3"]
    assert most_changed(shifts(first, second, HIT), 2, better=False) == []


def test_outcomes_are_hits_precision_decisions_or_what_was_measured() -> None:
    searches = found_at([1, 2, None])
    assert outcomes(searches, HIT).tolist() == [1, 0, 0]
    assert outcomes(searches, Metric.parse("hit-rate@rank=2")).tolist() == [1, 1, 0]
    searches[0].average_precision = 0.25
    assert outcomes(searches[:1], Metric.parse("map")).tolist() == [0.25]
    decided = [Judgement("1", "a", "a", correct=True), Judgement("1", "b", "b", correct=False)]
    assert outcomes(decided, Metric.parse("accuracy")).tolist() == [1, 0]
    measured = [Judgement("1", "a", "a", values={"eer": 0.2, "iou": None})]
    assert outcomes(measured, Metric.parse("eer")).tolist() == [-0.2]
    assert np.isnan(outcomes(measured, Metric.parse("iou"))).all()
    assert np.isnan(outcomes([Judgement("1", "a", "a")], HIT)).all()


def test_exchanging_the_runs_gives_the_probability_that_counting_gives() -> None:
    change = np.array([1.0, 1.0, 1.0, -1.0, 2.0, 0.0, 3.0])
    signs = np.array(list(itertools.product((-1, 1), repeat=len(change))))
    exact = np.mean(np.abs(signs @ change) >= abs(change.sum()))
    assert exchange_probability(change) == pytest.approx(exact, abs=0.02)
    assert exchange_probability(np.zeros(5)) == 1
    assert exchange_probability(np.ones(40)) == pytest.approx(1e-4)


def test_holm_corrects_the_probabilities_of_all_groups() -> None:
    """One style of three differs, and the smallest of m probabilities is multiplied by m."""
    rng = np.random.default_rng(1)
    labels = [{"style": "abc"[i % 3], "media": "xy"[i % 2]} for i in range(180)]
    whose = [f"t{i}" for i in range(180)]
    first = (rng.random(180) < 0.6).astype(float)
    second = first.copy()
    second[np.arange(180) % 3 == 0] = 0
    found = groups(labels, whose, first, second)
    assert [(g.attribute, g.value) for g in found] == [
        *(("style", v) for v in "abc"),
        *(("media", v) for v in "xy"),
    ]
    by_value = {g.value: g for g in found}
    assert by_value["a"].differs
    assert not by_value["b"].differs
    assert (by_value["a"].searches, by_value["a"].identities) == (60, 60)
    raw = sorted(g.p for g in found if g.p is not None)
    corrected = sorted(g.p_holm for g in found if g.p_holm is not None)
    wanted = np.maximum.accumulate([min(1, p * (5 - i)) for i, p in enumerate(raw)])
    np.testing.assert_allclose(corrected, wanted)


def test_groups_that_are_alike_are_seldom_called_different() -> None:
    rng = np.random.default_rng(2)
    labels = [{"style": str(i % 8)} for i in range(160)]
    whose = [f"t{i}" for i in range(160)]
    alarms = 0
    for _ in range(40):
        first, second = ((rng.random(160) < 0.7).astype(float) for _ in range(2))
        alarms += any(g.differs for g in groups(labels, whose, first, second))
    assert alarms <= 5


def test_one_group_alone_is_not_shown_and_unknown_outcomes_are_left_out() -> None:
    first, second = np.array([1, 0, np.nan, 1]), np.array([1.0, 1, 1, np.nan])
    labels = [{"media": "photo", "style": "a" if i < 3 else "b"} for i in range(4)]
    (only,) = groups(labels, ["1", "2", "3", "4"], first, second)
    assert (only.attribute, only.value, only.searches) == ("style", "a", 2)


def test_what_is_known_of_a_capture_and_its_size_reach_the_run_folder_from_the_manifest(
    tmp_path: Path,
) -> None:
    save_png(tmp_path / "a.png", np.zeros((20, 40, 3)))
    table = "image,tattoo,skin,taken,site,box\na.png,t1,fitzpatrick-2,2019-04,neck,0 0 10 10\n"
    (tmp_path / "set.csv").write_text(table)
    dataset = read_manifest(tmp_path / "set.csv")
    write_truth(tmp_path, [Fold("1", (), ("a.png",))], dict(dataset.records), dataset.root)
    kept = json.loads((tmp_path / "truth.json").read_text())["records"]["a.png"]
    assert (kept["skin"], kept["size"]) == ("fitzpatrick-2", [40, 20])
    assert (kept["taken"], kept["site"]) == ("2019-04", "neck")


def test_groups_are_of_the_probe_and_of_its_mates_source() -> None:
    records = {
        "p": Record(
            "p",
            Path("p"),
            source="s1",
            style="tribal",
            media="sketch",
            skin="fitzpatrick-5",
            box=(-10, 0, 50, 100),
            size=(100, 100),
        ),
        "same": Record("same", Path("m"), source="s1"),
        "other": Record("other", Path("n"), source="s2"),
    }
    assert attributes_of("p", records, ["same", "other"]) == {
        "media": "sketch",
        "style": "tribal",
        "skin tone": "fitzpatrick-5",
        "size of the tattoo": "30 to 60 %",
        "source of a mate": "the same photograph",
    }
    assert attributes_of("p", records, ["other"])["source of a mate"] == "other photographs"
    assert attributes_of("same", records, []) == {}


def test_where_only_the_environment_differs_or_nothing_does_that_is_said(altered: Altered) -> None:
    plain = altered("plain")
    elsewhere = altered("elsewhere", reversed_order, environment_hash="e" * 64)
    assert compare([plain, elsewhere])[0].pairs[0].remark == "only the environment differs"
    again = altered("again", reversed_order)
    remark = compare([plain, again])[0].pairs[0].remark
    assert remark == "the same recipe in the same environment gave another result"
