"""The HTML report: self-contained, escaped, complete, the same every time, and open to everyone."""

from __future__ import annotations

import hashlib
import math
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.record.manifest import Manifest
from harness.reporting import report
from harness.reporting.sections.failures import SHOWN as FAILURES_SHOWN
from harness.reporting.sections.folds import differing
from harness.statistics.estimate import Estimate
from harness.tasks.results import (
    Curves,
    Failure,
    Metrics,
    Outcome,
)
from harness.training import curves
from tests.reporting.conftest import render, section_input

Picture = Callable[[str], bytes | None]

EVIL = (
    "<script>alert('x')</script>|\"quoted\" & 'single'\nnew line, "
    "\u202eTätowierung\u2066\u200b 刺青\x1b " + "long" * 40
)
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """A page as its elements and attributes, with every tag that was not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        self.faults += [f"{tag} has {name} twice" for name, n in names.items() if n > 1]
        self.elements.append((tag, dict(attrs)))
        self.inside.append((tag, tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside.append((tag, tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words on the page, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def everything_odd(manifest: Manifest, outcome: Outcome) -> None:
    """Put a hostile text wherever a text may stand."""
    manifest.title = manifest.question = manifest.reference = manifest.command = EVIL
    manifest.about = manifest.citation = manifest.started = manifest.identity = EVIL
    manifest.origin.algorithm = manifest.origin.failure_policy = EVIL
    manifest.origin.parameters = {EVIL: EVIL}
    manifest.dataset = {"name": EVIL, EVIL: EVIL}
    manifest.versions = manifest.machine = {EVIL: EVIL}
    manifest.git = {EVIL: EVIL}
    manifest.counts = outcome.metrics.counts = {EVIL: 3}
    manifest.steps[0].step = EVIL
    for fold in outcome.metrics.folds:
        fold.name = EVIL
    outcome.metrics.pooled[EVIL] = Estimate(0.5, 0.4, 0.6, EVIL, 9, flags=[EVIL])
    for search in outcome.searches:
        search.probe = search.fold = EVIL
        search.candidates[0].reference = EVIL
    outcome.failures = [Failure(EVIL, EVIL, EVIL, EVIL)]


def test_nothing_is_loaded_from_elsewhere(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    text = render(manifest, outcome, picture)
    page = Page(text)
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "data:")), (tag, address)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_security_rule_allows_only_the_one_script(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    text = render(manifest, outcome, picture)
    rule = next(
        a["content"]
        for a in Page(text).all("meta")
        if a.get("http-equiv") == "Content-Security-Policy"
    )
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert rule is not None
    assert "default-src 'none'" in rule
    assert len(scripts) == 1
    assert f"'sha256-{b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()}'" in rule


def test_a_page_of_hostile_texts_has_the_elements_of_a_tame_one(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    everything_odd(manifest, outcome)
    text = render(manifest, outcome, picture)
    page = Page(text)
    assert not page.faults
    assert not page.open
    assert len(page.all("script")) == 1
    assert "<script>alert" not in text
    assert "刺青" in page.text
    assert not set("\u202e\u2066\u200b\x1b") & set(text)
    assert "⟨U+202E⟩Tätowierung" in page.text
    handlers = [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    assert not handlers


def test_an_identity_that_is_not_one_does_not_reach_the_style(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    manifest.identity = '"; } body { display: none } </style>'
    style = re.search(r"<style>(.*?)</style>", render(manifest, outcome, picture), re.DOTALL)
    assert style
    assert "display: none }" not in style[1].replace(".copying, .contents { display: none; }", "")


@pytest.mark.parametrize("kind", ["identification", "detection"])
def test_tags_are_balanced_and_ids_are_unique(
    kind: str, manifest: Manifest, outcome: Outcome, detection: Outcome, picture: Picture
) -> None:
    page = Page(render(manifest, outcome if kind == "identification" else detection, picture))
    assert not page.faults
    assert not page.open
    ids = Counter(a["id"] for _, a in page.elements if "id" in a)
    assert [i for i, n in ids.items() if n > 1] == []
    named = [
        (a.get("aria-labelledby") or "").split() + (a.get("aria-describedby") or "").split()
        for _, a in page.elements
    ]
    assert {i for names in named for i in names} <= set(ids)
    links = [a.get("href") or "" for a in page.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_equal_input_gives_equal_bytes(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    assert render(manifest, outcome, picture) == render(manifest, outcome, picture)


def test_every_figure_has_a_name_a_description_and_a_table(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    text = render(manifest, outcome, picture)
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(figures) == 3
    for figure in figures:
        page = Page(figure)
        plots = [a for a in page.all("svg") if a.get("class") == "plot"]
        assert len(plots) == 1
        assert plots[0]["aria-labelledby"]
        assert plots[0]["aria-describedby"]
        assert len(page.all("table")) == 1
        assert len(page.all("caption")) == 1


def test_tables_have_captions_and_scopes_and_pictures_have_words(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    page = Page(render(manifest, outcome, picture))
    assert len(page.all("caption")) == len(page.all("table")) > 5
    assert all(a.get("scope") for a in page.all("th"))
    assert all(a.get("alt") for a in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("main")) == len(page.all("h1")) == 1


def test_marked_points_are_reached_by_keyboard_and_say_their_value(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    page = Page(render(manifest, outcome, picture))
    marks = [a for a in page.all("g") if a.get("class") == "point"]
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in marks)
    assert sum((a["aria-label"] or "").startswith("Rank ") for a in marks) == 4


def test_the_verdict_is_a_sentence_of_the_headlines_numbers(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.pooled["hit-rate@rank=10"] = Estimate(
        0.58, 0.5, 0.65, "Wilson", 170, 0.34, 0.27, 0.41
    )
    text = Page(render(manifest, outcome, picture)).text
    plain = text.replace("\u2060", "")
    assert (
        "Within the first 10 candidates, triplet finds a mate for 58 % of 170 probes "
        "(95 % interval 50–65 %); a random ranking finds 34 %: it is better than chance." in plain
    )


def test_a_result_inside_the_chance_band_is_said_to_be_chance(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.pooled["hit-rate@rank=10"] = Estimate(
        0.38, 0.31, 0.45, "Wilson", 170, 0.34, 0.27, 0.41
    )
    assert "cannot be told from chance" in Page(render(manifest, outcome, picture)).text


def test_controls_are_marked_and_others_are_not(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    assert 'class="mark">control<' not in render(manifest, outcome, picture)
    manifest.control = True
    assert 'class="mark">control<' in render(manifest, outcome, picture)


@pytest.mark.parametrize(
    ("stated", "badge", "sentence"),
    [
        ("yes", "synthetic data", "say nothing about casework"),
        ("no", "real data", "its images are real"),
        ("not stated", "synthetic or real: not stated", "does not state whether"),
        (None, "synthetic or real: not stated", "does not state whether"),
        ("false", "synthetic or real: not stated", "does not state whether"),
    ],
)
def test_whether_data_is_synthetic_is_a_badge_and_a_sentence(
    manifest: Manifest,
    outcome: Outcome,
    picture: Picture,
    stated: str | None,
    badge: str,
    sentence: str,
) -> None:
    manifest.dataset.pop("synthetic")
    if stated is not None:
        manifest.dataset["synthetic"] = stated
    page = render(manifest, outcome, picture)
    assert f'class="mark">{badge}<' in page
    assert sentence in Page(page).text


def test_what_was_run_and_the_command_are_told_in_full(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    text = Page(render(manifest, outcome, picture)).text
    origin = manifest.origin
    for value in (
        manifest.command,
        manifest.identity,
        origin.data_hash,
        origin.protocol_hash,
        origin.source_hash,
        origin.failure_policy,
        "40000",
        "7e4af3a0c0ffee",
        "uncommitted changes",
        "2.6.0",
        "2 min 36 s",
    ):
        assert value in text


def test_failures_are_listed_up_to_a_limit_and_the_rest_is_counted(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.failures = [Failure("1", f"bad{i}.jpg", "probe", "too dark") for i in range(500)]
    text = Page(render(manifest, outcome, picture)).text
    assert text.count("too dark") == FAILURES_SHOWN
    assert "and 450 more" in text
    assert "gave up on 500 probes" in text
    outcome.failures = []
    assert (
        "None: the algorithm gave an answer for every image."
        in Page(render(manifest, outcome, picture)).text
    )


def test_mates_are_framed_and_named_and_the_rank_of_a_mate_out_of_sight_is_told(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    text = render(manifest, outcome, picture)
    page = Page(text)
    assert "best mate at rank 54 of 54" in page.text
    mates = re.findall(r'<li value="(\d+)" class="mate">.*?</li>', text, re.DOTALL)
    words = [a["alt"] or "" for a in page.all("img")]
    assert len(mates) == sum(", mate:" in alt for alt in words) > 0


def test_a_picture_that_is_not_at_hand_leaves_a_named_placeholder(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    some = render(manifest, outcome, lambda name: None if "probe" in name else picture(name))
    page = Page(some)
    labels = [a.get("aria-label") or "" for a in page.all("span") if a.get("role") == "img"]
    assert page.all("img")
    assert any("no picture at hand: probe/f" in label for label in labels)


def test_searches_of_vectors_are_lists_without_empty_frames(
    manifest: Manifest, outcome: Outcome
) -> None:
    page = Page(render(manifest, outcome, lambda _: None))
    assert not page.all("img")
    assert not [a for a in page.all("span") if a.get("role") == "img"]
    assert "There are no pictures of them at hand." in page.text
    assert re.search(r"t\d{3}\.jpg", page.text)


def test_a_report_stays_under_two_megabytes_however_large_the_pictures(
    manifest: Manifest, outcome: Outcome
) -> None:
    text = render(manifest, outcome, lambda name: b"\xff\xd8" + bytes(90_000))
    assert 1_000_000 < len(text.encode()) < 2_000_000


def test_a_run_without_any_data_still_gives_a_page(manifest: Manifest, picture: Picture) -> None:
    empty = Outcome(Metrics("identification", "eer", {}, {}, []), Curves(), [], [])
    manifest.steps, manifest.git, manifest.versions, manifest.counts = [], {}, {}, {}
    page = Page(render(manifest, empty, picture))
    assert not page.faults
    assert "There is no value for “Equal error rate (EER)”" in page.text
    assert not page.all("figure")


def test_numbers_that_are_not_there_never_read_as_zero_or_nan(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.pooled["hit-rate@rank=10"] = Estimate(math.nan, math.nan, None, flags=["none"])
    outcome.metrics.folds[0].values = {}
    outcome.curves.cmc["low"][4] = math.nan
    outcome.curves.cmc["hit_rate"][7] = math.nan
    outcome.curves.det["fmr"][3] = math.nan
    outcome.searches[0].score = math.nan
    page = Page(render(manifest, outcome, picture))
    assert not page.faults
    assert "no value" in page.text
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)
    drawn = " ".join(a.get("d") or "" for a in page.all("path"))
    assert "nan" not in drawn


def test_a_single_fold_is_said_to_have_no_spread(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.folds = outcome.metrics.folds[:1]
    assert "There is a single fold" in Page(render(manifest, outcome, picture)).text


def test_detection_shows_the_surest_decisions_of_every_label(
    manifest: Manifest, detection: Outcome, picture: Picture
) -> None:
    text = Page(render(manifest, detection, picture)).text
    assert "decides correctly for" in text
    assert "Tattoo images: 15 of 120 decided wrongly" in text
    assert "Non-tattoo images:" in text
    assert "Worst and best searches" not in text


def headings(page: Page) -> list[str]:
    return [a["id"] or "" for a in page.all("section")]


def test_failures_and_pictures_come_before_curves_and_learning_comes_last(
    manifest: Manifest, outcome: Outcome, picture: Picture, tmp_path: Path
) -> None:
    model = tmp_path / "units" / "fold-1" / "model"
    model.mkdir(parents=True)
    curves.write(model, {"iteration": [1, 2, 3], "loss": [3.0, 2.0, 1.0]})
    page = Page(report.render(section_input(manifest, outcome, picture, folder=tmp_path)))
    found = headings(page)
    assert found[:6] == ["result", "checks", "card", "failures", "searches", "det-section"]
    assert found[-1] == "learning"
    links = [(a["href"] or "").removeprefix("#") for a in page.all("a") if a.get("href")]
    assert [name for name in links if name in found] == found, "contents in the order of the page"


def test_detection_shows_its_surest_decisions_before_the_curves(
    manifest: Manifest, detection: Outcome, picture: Picture
) -> None:
    found = headings(Page(render(manifest, detection, picture)))
    assert found[:6] == ["result", "checks", "card", "failures", "decisions", "det-section"]


def test_how_much_was_judged_stands_beside_the_headline_and_under_the_tables(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.counts |= {"smallest_gallery": 54, "largest_gallery": 55}
    text = render(manifest, outcome, picture).replace("\u2060", "").replace("\u00a0", " ")
    assert "References in a gallery</dt><dd>54–55" in text
    judged = "170 searches, 100 identities, in galleries of 54–55, folds 1–5."
    for what in ("All metrics", "Hit rate by rank", "Counts and values", "Score distributions"):
        _, _, rest = text.partition(f"<caption><span>{what}")
        under = re.search(r'</table>\s*<p class="conditions">(.*?)</p>', rest, re.DOTALL)
        assert under is not None
        assert under[1] == f"Tatt-C mini, data cdcdcdcd: {judged}"


def test_columns_without_anything_in_them_are_left_out(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    def heads(found: Outcome) -> list[str]:
        text = render(manifest, found, picture)
        table = text[text.index('<table class="metrics">') :]
        return re.findall(r'<th scope="col"[^>]*>([^<]*)', table[: table.index("</thead>")])

    assert [h.strip() for h in heads(outcome)] == [
        *("Metric", "Value", "95 % interval", "0 to 100 %", "Chance", "Trials", "Folds")
    ]
    outcome.metrics.headline = "net-removal"
    outcome.metrics.pooled = {
        "net-removal": Estimate(-0.2, -0.3, -0.1, "bootstrap", 9),
        "error-inside": Estimate(21.4, 20.0, 22.9, "bootstrap", 9),
        "ssim-inside": Estimate(0.6, 0.5, 0.7, "bootstrap", 9),
    }
    assert heads(outcome) == ["Metric", "Value", "95 % interval", "Trials"]
    assert "In the strips" not in render(manifest, outcome, picture)


def test_removal_is_read_against_doing_nothing_and_perfection(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.headline = "net-removal"
    outcome.metrics.pooled = {"net-removal": Estimate(-0.2, -0.3, -0.1, "bootstrap", 9)}
    text = render(manifest, outcome, picture)
    assert "<dt>Doing nothing</dt><dd>0</dd>" in text
    assert "<dt>Perfect removal</dt><dd>1</dd>" in text
    assert "not known" not in text
    assert "−0.200" in text
    assert "-0.200" not in text


def test_a_search_is_read_against_the_order_before_and_against_chance(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.metrics.headline = "tattoo-free@k=5"
    outcome.metrics.pooled = {
        "tattoo-free@k=5": Estimate(0.2, 0.1, 0.3, "bootstrap", 9, 0.44),
        "tattoo-free-before@k=5": Estimate(0.4, 0.3, 0.5, "bootstrap", 9, 0.44),
    }
    facts = Page(render(manifest, outcome, picture)).text
    assert "Before 40.0 %" in facts
    assert "Chance 44.0 %" in facts


@pytest.mark.parametrize("metric", ["tag-credit@more-than=15,per-hit=0.25", "d-prime", "auc"])
def test_a_metric_that_the_data_cannot_answer_is_noted_once_and_has_no_row(
    manifest: Manifest, outcome: Outcome, picture: Picture, metric: str
) -> None:
    why = "no image carries more than 15 of the 15 tags"
    outcome.metrics.pooled[metric] = Estimate(None, flags=[why])
    for fold in outcome.metrics.folds:
        fold.values[metric] = None
    text = Page(render(manifest, outcome, picture)).text
    assert text.count(why) == 1
    assert "left out of the tables" in text


def test_one_image_that_fails_in_five_folds_is_one_image(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    outcome.failures = [Failure(str(k), "bg00300.jpg", "reference", "blank") for k in range(1, 6)]
    text = Page(render(manifest, outcome, picture)).text
    assert "gave up on 1 reference (in 5 folds)" in text
    assert text.count("bg00300.jpg") == 1


@pytest.mark.parametrize(
    ("metric", "pooled", "mean", "spread", "said"),
    [
        ("tag-map", 0.27, 0.345, 0.051, "ranks the images of all folds in one list"),
        ("eer", 0.30, 0.20, 0.02, "one threshold to the scores of all folds"),
        ("eer", 0.21, 0.20, 0.02, ""),
        ("hit-rate@rank=1", 0.50, 0.30, 0.02, ""),
    ],
)
def test_a_pooled_value_far_from_the_mean_of_folds_is_explained(
    outcome: Outcome, metric: str, pooled: float, mean: float, spread: float, said: str
) -> None:
    estimate = Estimate(pooled, fold_mean=mean, fold_sd=spread)
    outcome.metrics.pooled = {metric: estimate}
    found = " ".join(differing(outcome.metrics))
    assert (said in found) if said else found == ""


def test_every_figure_can_be_taken_along_as_csv_without_network_or_script(
    manifest: Manifest, outcome: Outcome, picture: Picture
) -> None:
    page = Page(render(manifest, outcome, picture))
    files = {a["download"]: a["href"] or "" for a in page.all("a") if "download" in a}
    assert set(files) == {"cmc.csv", "det.csv", "scores.csv"}
    head, *lines = unquote(files["cmc.csv"].partition(",")[2]).splitlines()
    assert head.startswith("rank,hit_rate,low,high,chance")
    assert len(lines) == len(outcome.curves.cmc["rank"])
    assert float(lines[9].split(",")[1]) == outcome.curves.cmc["hit_rate"][9]
