"""Pages and files of a leaderboard: whole, linked inside only, words of strangers as text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from benchmarks.run_folders import make_run
from harness.boards.building import build, gather
from harness.boards.exports import plain_cell, text, to_csv, to_json, to_markdown
from harness.boards.site import render_site
from harness.data.findings import Finding
from harness.errors import UsageError
from harness.record import record
from harness.record.searches import encoded
from tests.conftest import Ran

HOSTILE = (
    "\"'><script>alert(1)</script>|`*_[x](javascript:alert(2))\n"
    "=cmd|' /C calc'!A0 \u202eé漢 @user\u2067 ${7*7} {{7*7}}"
)


class Page(HTMLParser):
    """What of a page could do something: its elements, their attributes, its links and ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def links(self) -> list[str]:
        return [value for tag, name, value in self.attributes if tag == "a" and name == "href"]

    @property
    def ids(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "id"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three algorithms, chance and a control on two boards, one run cut short."""
    place = tmp_path_factory.mktemp("runs")
    for i, skill in enumerate((0.8, 0.6, 0.3)):
        make_run(place / f"s{i}", algorithm=f"matcher{i}", skill=skill, forensic=i < 2)
    make_run(
        place / "t", algorithm="matcher0", skill=0.7, protocol="mixed-media", title="Mixed media"
    )
    make_run(place / "c", algorithm="random", skill=0.02, control=True)
    unfinished = make_run(place / "u", algorithm="slow")
    (unfinished / "checksums.sha256").unlink()
    return place


@pytest.fixture(scope="module")
def hostile_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of which every word is written by somebody who means harm."""
    place = tmp_path_factory.mktemp("hostile")
    for i in range(2):
        make_run(
            place / f"run {i} <script>'\"",
            algorithm=HOSTILE,
            protocol=HOSTILE,
            title=HOSTILE,
            data=HOSTILE,
            parameters={HOSTILE: HOSTILE, "kind": i, "seed": f"={i}"},
            words=HOSTILE,
            git={"commit": HOSTILE, "dirty": True},
            reference=HOSTILE,
            versions={HOSTILE: HOSTILE},
            dataset={"name": HOSTILE, "synthetic": "yes"},
        )
    broken = make_run(place / "<img src=x onerror=alert(3)>")
    (broken / "metrics.json").write_text("{}")
    return place


def test_every_link_leads_to_a_page_and_a_place_of_the_site(runs: Path) -> None:
    pages = {name: Page(text) for name, text in render_site(gather([runs])).items()}
    files = {"leaderboard.csv", "leaderboard.json", "leaderboard.md"}
    assert len(pages) == 1 + 2 + 4
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            target, _, place = link.partition("#")
            assert target in {"", *pages, *files}, f"{name}: {link}"
            if place:
                assert place in pages[target or name].ids, f"{name}: {link}"


def test_nothing_is_loaded_from_anywhere_and_only_our_script_may_run(runs: Path) -> None:
    for text_of_page in render_site(gather([runs])).values():
        page = Page(text_of_page)
        assert not {"iframe", "object", "embed", "img", "form"} & set(page.elements)
        assert page.elements.count("script") == 1
        assert not [a for a in page.attributes if a[1] == "src" or a[1].startswith("on")]
        policy = next(v for _, n, v in page.attributes if n == "content" and "default-src" in v)
        assert policy.startswith("default-src 'none'; ")
        assert "connect-src" not in policy


def test_equal_runs_give_equal_pages(runs: Path) -> None:
    assert render_site(gather([runs])) == render_site(gather([runs]))


def test_the_table_is_whole_without_scripts(runs: Path) -> None:
    pages = render_site(gather([runs]))
    board = next(t for n, t in pages.items() if n.startswith("board-similarity"))
    for words in (
        "Hit rate within rank 30",
        "Mean average precision",
        "Equal error rate",
        "lower is better",
        "Chance",
        "Published, on Tatt-C",
        "Deep Tattoo triplet",
        "per comparison",
        "2026-01-02",
        "0123456789",
        "tattoo_similarity" if "tattoo_similarity" in board else "similarity",
    ):
        assert words in board, words
    # Both curves of each entry are in the page; the first four entries' are shown.
    for figure in ("cmc", "det", "tippett"):
        assert f'data-overlay="{figure}"' in board
    ranked = board[board.index('<tbody class="entries">') :]
    ranked = ranked[: ranked.index("</tbody>")]
    assert ">random<" not in ranked
    assert "Compass" not in ranked
    assert ranked.count("<tr ") == 3


def test_the_columns_stand_in_the_order_in_which_they_are_read(runs: Path) -> None:
    pages = render_site(gather([runs]))
    board = next(t for n, t in pages.items() if n.startswith("board-similarity"))
    head = board[board.index("<thead><tr>") : board.index("</thead>")]
    keys = [v for _, n, v in Page(head).attributes if n == "data-key"]
    assert keys[:5] == ["rank", "entry", "headline", "group", "failures"]
    assert keys[-4:] == ["template", "date", "commit", "seed"]
    assert "100\u202f%" in head
    # All after the failures is there, hidden by style until it is chosen; failures cannot be.
    page = Page(board)
    boxes = [v for _, n, v in page.attributes if n == "data-column"]
    assert boxes == keys[5:]
    for number, _ in enumerate(keys[4:]):
        rule = f"main:not(:has(#column-{number}:checked)) .ranking .c{number} {{ display: none; }}"
        assert (rule in board) is (number > 0)
    rows = board[board.index('<tbody class="entries">') : board.index("</table>")].split("<tr")[1:]
    counts = {row.count("<td") + row.count("<th") for row in rows}
    assert counts == {len(keys) + 2}  # with the box and the strip


def test_columns_that_hold_nothing_are_left_out(tmp_path: Path) -> None:
    make_run(tmp_path / "a", algorithm="matcher", git={"commit": "c" * 40})
    make_run(tmp_path / "b", algorithm="known", control=True, git={})
    pages = render_site(gather([tmp_path]))
    known, matcher = (
        next(t for n, t in pages.items() if n.startswith(f"algorithm-{name}"))
        for name in ("known", "matcher")
    )
    for head in (">Rank<", ">Commit<"):
        assert head in matcher
        assert head not in known


def test_values_stand_with_their_units_and_a_count_once(runs: Path) -> None:
    pages = render_site(gather([runs]))
    board = next(t for n, t in pages.items() if n.startswith("board-similarity"))
    assert re.search(r">\d[\d.,]* (s|ms|µs)<", board)
    assert len(re.findall(r'<th scope="row">Folds</th>', board)) == 1
    assert "5 (1, 2, 3, 4, 5)" in board


def test_what_is_odd_about_the_data_is_told_once_and_one_fit_is_no_such_thing(
    tmp_path: Path,
) -> None:
    odd = [Finding("small", "warning", "Galleries are small."), Finding("heic", "warning", "2 <b>")]
    for name, more in (("a", odd), ("b", odd[:1]), ("c", [Finding("one-fit", "warning", "One.")])):
        make_run(tmp_path / name, algorithm=name, findings=more)
    board = next(t for n, t in render_site(gather([tmp_path])).items() if n.startswith("board-"))
    assert '<span class="mark">2 remarks about the data</span>' in board
    assert '<span class="mark">1 remark about the data</span>' in board
    assert "<summary>2 remarks about the data</summary>" in board
    assert "<li>Galleries are small. <small>(a, b)</small></li>" in board
    assert "<li>2 &lt;b&gt; <small>(a)</small></li>" in board
    assert "One." not in board


def test_an_image_that_fails_in_several_folds_is_one_image(tmp_path: Path) -> None:
    for name, failed in (("a", ["x.jpg", "x.jpg", "y.jpg"]), ("b", ["x.jpg"])):
        folder = make_run(tmp_path / name, algorithm=name, failures=len(failed))
        for fold, image in enumerate(failed, start=1):
            place = folder / "units" / f"fold-{fold}" / "scores" / "failures.json"
            place.parent.mkdir(parents=True)
            place.write_text(json.dumps({image: "no keypoints"}))
        record.seal(folder)
    pages = render_site(gather([tmp_path]))
    board = next(t for n, t in pages.items() if n.startswith("board-"))
    assert 'data-v="3">2<small class="below">3 times, over folds</small>' in board
    assert 'data-v="1">1</td>' in board
    assert "2 images failed" in pages["index.html"]
    assert "1 image failed" in pages["index.html"]


@pytest.mark.parametrize("content", ["[1]", '{"x": 1}', "not JSON", "\x00"])
def test_failures_that_are_no_failures_keep_a_run_off_the_board(
    tmp_path: Path, content: str
) -> None:
    make_run(tmp_path / "good")
    bad = make_run(tmp_path / "bad", algorithm="bad", failures=2)
    place = bad / "units" / "1" / "scores" / "failures.json"
    place.parent.mkdir(parents=True)
    place.write_text(content)
    record.seal(bad)
    leaderboard = gather([tmp_path])
    assert leaderboard.runs == 1
    assert [one.folder for one in leaderboard.left_out] == [str(bad)]


def test_the_overview_has_a_table_for_each_kind_of_question(tmp_path: Path) -> None:
    make_run(tmp_path / "1", algorithm="x", protocol="region", title="Region")
    make_run(tmp_path / "2", algorithm="y", protocol="verification", task="verification", title="V")
    make_run(tmp_path / "3", algorithm="z", protocol="detection", task="detection", title="D")
    make_run(tmp_path / "4", algorithm="z", protocol="novel", task="../novel <b>", title="N")
    page = Page(overview := render_site(gather([tmp_path]))["index.html"])
    tables = [v for t, n, v in page.attributes if t == "table" and n == "id"]
    assert len(tables) == 3
    for words in ("Matching", "Detection", "../novel &lt;b&gt;"):
        assert overview.count(f">{words}") >= 2, words  # over a table, and over cards
    # Of the two boards for matchers each entry is on one: a dot, and words for who cannot see it.
    assert overview.count('<span aria-hidden="true">·</span>') == 2
    assert overview.count('<span class="unseen">no run</span>') == 2
    assert ">none<" not in overview


def test_parameters_stand_in_columns_of_pairs(runs: Path) -> None:
    pages = render_site(gather([runs]))
    page = next(t for n, t in pages.items() if n.startswith("algorithm-matcher0"))
    assert '<dl class="pairs">\n<div><dt>seed</dt><dd>0</dd></div>' in page


def test_runs_left_out_stand_on_the_overview_with_their_reason(runs: Path) -> None:
    overview = render_site(gather([runs]))["index.html"]
    assert "1 run is on no board" in overview
    assert "unfinished: it has no checksums.sha256" in overview


def test_words_of_strangers_are_text_on_every_page(hostile_runs: Path) -> None:
    pages = render_site(gather([hostile_runs]))
    assert len(pages) == 3
    for name, text_of_page in pages.items():
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-."), name
        page = Page(text_of_page)
        assert page.elements.count("script") == 1
        assert "img" not in page.elements
        handlers = [a for a in page.attributes if a[1].startswith("on")]
        assert handlers == []
        for link in page.links:
            assert not link.lower().startswith(("javascript", "data", "http", "//")), link
        assert any("<script>alert(1)</script>" in words for words in page.words), name
        assert any("⟨U+202E⟩é漢" in words for words in page.words), name
        assert not set("\u202e\u2067") & set(text_of_page), name
        assert "{{7*7}}" in text_of_page
        assert any("<img src=x" in words for words in page.words) or name != "index.html"


def test_no_cell_of_the_csv_is_a_formula(hostile_runs: Path) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(gather([hostile_runs])))))
    assert len(rows) == 1 + 2 * 6
    assert len({len(row) for row in rows}) == 1
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "@", "+", "\t", "\r")), cell
            if cell.startswith("-"):
                float(cell)
    assert any("é漢" in cell for cell in rows[1])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r", " =", "|", "%"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(start: str) -> None:
    assert plain_cell(f"{start}cmd") == f"'{start}cmd"
    assert plain_cell(f"x{start}cmd") == f"x{start}cmd"


def test_markdown_shows_words_as_words_in_one_cell(hostile_runs: Path) -> None:
    markdown = to_markdown(gather([hostile_runs]))
    html = (
        MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(markdown)
    )
    page = Page(html)
    assert set(page.elements) <= {
        "h1",
        "h2",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
    }
    assert page.links == []
    assert any("<script>alert(1)</script>" in words for words in page.words)
    for line in markdown.splitlines():
        if line.startswith("|"):
            assert "@user" not in line
    widths: dict[str, set[int]] = {}
    for table in html.split("<table>")[1:]:
        for row in table.split("<tr>")[1:]:
            widths.setdefault(table[:200], set()).add(row.count("<th") + row.count("<td"))
    # One count of cells for every table: no bar of a name opened another.
    assert all(len(each) == 1 for each in widths.values())


def test_markdown_makes_no_addresses_of_words() -> None:
    assert "://" not in text("https://evil.example/?a=b")
    assert "www." not in text("see WWW.evil.example").lower()


def test_the_json_holds_every_number_and_every_run(runs: Path) -> None:
    leaderboard = gather([runs])
    told = json.loads(to_json(leaderboard))
    entries = [entry for board in told["boards"] for entry in board["entries"]]
    assert len(entries) == leaderboard.runs == 5
    assert [entry["rank"] for entry in told["boards"][1]["entries"]] == [1, 2, 3, None]
    assert set(entries[0]["metrics"]["hit-rate@rank=10"]) >= {"value", "low", "high", "n"}
    assert len(told["left_out"]) == 1
    assert told["overall"][0]["mean_rank"] is None  # not all entries stand on both boards
    assert told["mean_rank_over"] == []


def test_the_command_builds_a_site_and_replaces_the_pages_of_before(
    runs: Path, tmp_path: Path, harness: Callable[..., Ran]
) -> None:
    site = tmp_path / "site"
    ran = harness("leaderboard", runs, "--out", site)
    assert ran.code == 0, ran.err
    assert ran.out.strip() == str(site / "index.html")
    assert "runs: 5, boards: 2, left out: 1" in ran.err
    before = {path.name for path in site.iterdir()}
    assert {"index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md"} <= before
    ran = harness("leaderboard", runs / "t", "--out", site, "--json")
    assert ran.code == 0
    assert len(ran.json["boards"]) == 1
    assert len(list(site.glob("board-*.html"))) == 1
    assert len(list(site.glob("algorithm-*.html"))) == 1


def test_a_folder_that_holds_something_else_is_not_written_into(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty and no leaderboard"):
        build([runs], tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        build([runs], tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_run_at_all_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="there is no run"):
        build([tmp_path / "empty"], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_runs_that_are_all_left_out_still_make_a_page_that_says_why(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs" / "a")
    (folder / "curves.json").unlink()
    built = build([tmp_path / "runs"], tmp_path / "site")
    assert "broken seal: curves.json is missing" in built.overview.read_text()


def test_an_unknown_kind_of_question_gets_its_board_too(tmp_path: Path) -> None:
    """Nothing on a board depends on the name of a task or on a curve being there."""
    folder = make_run(tmp_path / "runs" / "a", task="something-new")
    metrics = {
        "task": "something-new",
        "headline": "novelty",
        "counts": {},
        "pooled": {"novelty": {"value": 12.5}},
        "folds": [],
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "curves.json").write_text("{}")
    (folder / "searches.npz").write_bytes(encoded([]))
    (folder / "checksums.sha256").unlink()
    record.seal(folder)
    pages = render_site(gather([tmp_path / "runs"]))
    board = next(t for n, t in pages.items() if n.startswith("board-"))
    assert "12.500" in board
    assert "data-overlay" not in board
    assert "No groups are told" in board
