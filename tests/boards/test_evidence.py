"""Reports that go along with a site: those that runs sealed, linked to, and unable to do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.run_folders import make_run
from harness.boards.building import build, gather
from harness.boards.evidence import PLACE, harmless, report_paths
from harness.boards.site import render_site
from harness.errors import Damaged
from harness.record import record
from tests.boards.test_site import Page
from tests.conftest import Ran, run_harness
from tests.reporting.conftest import make_manifest, make_outcome, picture_of, render

OWN = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'>"
    "<link rel='icon' href='data:image/svg+xml,x'></head>"
    "<body><a href='#result'>down</a><img src='data:image/jpeg;base64,AA' alt=''>"
    "<a download='det.csv' href='data:text/csv,fmr'>CSV</a></body></html>"
)


def with_report(folder: Path, text: str = OWN) -> Path:
    (folder / record.REPORT).write_text(text, encoding="utf-8")
    record.seal(folder)
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    place = tmp_path / "runs"
    for name, skill in (("a", 0.8), ("b", 0.4)):
        with_report(make_run(place / name, algorithm=f"matcher-{name}", skill=skill))
    return place


def test_a_rank_leads_to_its_evidence_on_every_page(runs: Path, tmp_path: Path) -> None:
    built = build([runs], tmp_path / "site", with_reports=True)
    assert (built.reports, built.without) == (2, ())
    linked = set()
    for page in (tmp_path / "site").glob("*.html"):
        for link in Page(page.read_text()).links:
            assert "://" not in link
            assert not link.startswith(("/", ".."))
            if link.startswith("runs/"):
                assert PLACE.fullmatch(link)
                assert (tmp_path / "site" / link).is_file()
                linked.add((page.name.split("-")[0], link))
    assert len({link for _, link in linked}) == 2
    assert {page for page, _ in linked} == {"board", "algorithm"}


def test_without_them_no_page_links_to_a_report_and_the_board_says_how(
    runs: Path, tmp_path: Path
) -> None:
    build([runs], tmp_path / "site")
    pages = "".join(p.read_text() for p in (tmp_path / "site").glob("*.html"))
    assert 'href="runs/' not in pages
    assert "--with-reports</code> puts them in" in pages
    assert not (tmp_path / "site" / "runs").exists()


def test_building_again_takes_away_reports_that_no_longer_belong(
    runs: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    build([runs], site, with_reports=True)
    kept = site / "runs" / "mine" / "report.html"
    kept.parent.mkdir()
    kept.write_text("of somebody else")
    build([runs / "a"], site, with_reports=True)
    assert len(list(site.glob("runs/*/report.html"))) == 2
    build([runs / "a"], site)
    assert list(site.glob("runs/*/report.html")) == [kept]


def test_the_reports_of_several_fits_all_go_along(tmp_path: Path) -> None:
    for seed in (1, 2):
        with_report(
            make_run(
                tmp_path / "runs" / str(seed),
                parameters={"seed": seed},
                skill=0.4 + seed / 10,
                learns=True,
                result_hash=f"{seed}" * 64,
            )
        )
    built = build([tmp_path / "runs"], tmp_path / "site", with_reports=True)
    assert built.reports == 2
    board = next((tmp_path / "site").glob("board-*.html")).read_text()
    assert "2 reports" in board
    (page,) = (tmp_path / "site").glob("algorithm-*.html")
    assert page.read_text().count('href="runs/') == 2 + 1  # of each fit, and of the run's folder


def test_one_recipe_in_two_environments_has_two_reports(tmp_path: Path) -> None:
    for i in (1, 2):
        make_run(tmp_path / str(i), environment_hash=f"{i}" * 64, result_hash=f"{i}" * 64)
    paths = list(report_paths(gather([tmp_path])).values())
    assert len(set(paths)) == 2
    assert all(PLACE.fullmatch(path) for path in paths)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("<body>", "<body onload='x()'>"), "a script that is not"),
        (OWN.replace("<img ", "<img onerror=x() "), "a script that is not"),
        (OWN.replace("<body>", "<body><svg><a xlink:href='https://x.example'>"), "links out"),
        (OWN.replace("#result", "https://x.example"), "links out"),
        (OWN.replace("#result", "../../secret.html"), "links out"),
        (OWN.replace("#result", "javascript:x()"), "links out"),
        (OWN.replace("<body>", "<body><iframe srcdoc='x'></iframe>"), "an element iframe"),
        (OWN.replace("<body>", "<body><form action='https://x.example'>"), "an element form"),
        (OWN.replace("<head>", "<head><base href='https://x.example'>"), "an element base"),
        (
            OWN.replace("<head>", "<head><meta http-equiv='&#114;efresh' content='0;url=//x'>"),
            "sends its reader elsewhere",
        ),
        (
            OWN.replace("<body>", "<body><!-- --!><META http-equiv=refresh content=0> -->"),
            "hides an element|sends its reader",
        ),
        (OWN.replace("rel='icon' href='data:image/svg+xml,x'", "rel=prefetch href=//x"), "loads"),
    ],
)
def test_a_report_that_could_act_is_left_where_it_is(tmp_path: Path, text: str, words: str) -> None:
    assert text != OWN
    with pytest.raises(Damaged, match=words):
        harmless(text.encode())
    with_report(make_run(tmp_path / "runs" / "a"), text)
    built = build([tmp_path / "runs"], tmp_path / "site", with_reports=True)
    assert built.reports == 0
    assert len(built.without) == 1
    assert not list((tmp_path / "site").rglob("report.html"))
    assert 'href="runs/' not in "".join(p.read_text() for p in (tmp_path / "site").glob("*.html"))


def test_a_copy_states_its_policy_before_any_byte_of_the_report() -> None:
    hostile = OWN.replace("<body>", "<body><script>alert(1)</script>").encode()
    copy = harmless(hostile)
    head = copy[: -len(hostile)].decode()
    assert copy.endswith(hostile)
    assert "default-src 'none'" in head
    assert "script-src 'sha256-" in head
    assert "unsafe-inline'; script" in head
    assert "<script" not in head


@pytest.mark.parametrize("how", ["missing", "changed", "link", "latin-1"])
def test_a_report_that_its_run_did_not_seal_is_left_out_with_the_reason(
    tmp_path: Path, how: str
) -> None:
    folder = with_report(make_run(tmp_path / "runs" / "a"))
    report = folder / record.REPORT
    if how == "missing":
        report.unlink()
        record.seal(folder)
    elif how == "changed":
        report.write_text(OWN + " ")
    elif how == "link":
        report.rename(tmp_path / "elsewhere.html")
        report.symlink_to(tmp_path / "elsewhere.html")
    else:
        report.write_bytes(b"<p>gr\xf6\xdfe")
        record.seal(folder)
    ran = run_harness(
        "leaderboard", tmp_path / "runs", "--out", tmp_path / "site", "--with-reports"
    )
    assert ran.code == 0, ran.err
    assert "reports: 0, left where they are: 1" in ran.err
    assert f"no report of {folder}: its report" in ran.err or "it has no report" in ran.err


def test_the_command_says_how_reports_are_put_in(runs: Path, tmp_path: Path) -> None:
    ran: Ran = run_harness("leaderboard", runs, "--out", tmp_path / "site")
    assert "reports: none; --with-reports puts those of the runs into the site" in ran.err
    assert len(json.loads((tmp_path / "site" / "leaderboard.json").read_text())["boards"]) == 1


def test_a_report_of_this_harness_is_harmless() -> None:
    report = render(make_manifest(), make_outcome(), picture_of).encode()
    assert harmless(report).endswith(report)


def test_pages_made_without_paths_name_no_place(runs: Path) -> None:
    pages = render_site(gather([runs]))
    assert not [link for page in pages.values() for link in Page(page).links if "runs/" in link]
