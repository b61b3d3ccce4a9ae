"""Every table of a report says on what was measured what it holds."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from harness.comparing.baselines import run_of
from harness.plugins.places import bundled
from harness.record.record import read_run
from harness.reporting import sections
from harness.reporting.conditions import conditions, folds_in, judged, under_tables
from harness.reporting.report import render
from harness.reporting.sections.section import SectionInput
from harness.tasks.results import Outcome
from tests.reporting.conftest import (
    make_detection,
    make_manifest,
    make_outcome,
    section_input,
)

TABLE = re.compile(r"</table>\s*(<p class=\"conditions\">(.*?)</p>)?", re.DOTALL)


def said(page: str) -> list[str]:
    """Return what stands under each table of a page; nothing where nothing does."""
    return [found[2] or "" for found in TABLE.finditer(page)]


def golden(name: str) -> SectionInput:
    folder = run_of(name, bundled("fixtures") / "golden")
    run = read_run(folder)
    outcome = run.judge()
    return SectionInput(folder, run.protocol, run.manifest, outcome, run.records, lambda _: None)


@pytest.fixture(scope="module", params=["similarity-colours", "detection-hog-svm"])
def of_golden(request: pytest.FixtureRequest) -> SectionInput:
    """Give what a golden run's report is made from."""
    return golden(request.param)


def test_every_table_of_a_golden_run_says_data_hash_number_roles_and_folds(
    of_golden: SectionInput,
) -> None:
    origin, counts = of_golden.manifest.origin, of_golden.metrics.counts
    line = conditions(of_golden.manifest, counts)
    tables = 0
    for section in sections.SECTIONS:
        found = section(of_golden)
        content = Markup() if found is None else under_tables(found.content, line)
        under = said(content)
        tables += len(under)
        assert len(under) == content.count("<table")
        assert all(under), found and found.name
        others = {one for one in under if one != line}
        assert all(one.startswith("Figures of others, on ") for one in others)
        assert not others or (found is not None and found.name == "published")
    assert tables > 5
    assert origin.data_hash[:8] in line
    assert of_golden.manifest.dataset["name"] in line
    assert f"{counts['identities']} identities" in line
    assert folds_in(origin.folds) in line
    roles = {"searches", "references"} if "searches" in counts else {"tattoo", "non_tattoo"}
    for role in roles:
        assert f"{counts[role]} {role.replace('_', '-')}" in line


@pytest.mark.parametrize("outcome", [make_outcome(), make_detection()])
def test_every_table_of_a_page_has_one_line_under_it(outcome: Outcome) -> None:
    page = render(section_input(make_manifest(outcome.metrics.task), outcome))
    under = said(page)
    assert len(under) == page.count("<table") > 3
    assert all(under)


def test_names_of_data_sets_are_escaped() -> None:
    manifest = make_manifest()
    manifest.dataset["name"] = "</p><script>"
    line = conditions(manifest, {})
    found = under_tables(Markup("<table></table>"), line)
    assert "<script>" not in found
    assert "&lt;script&gt;" in found


def test_a_table_with_conditions_of_its_own_keeps_them() -> None:
    own = Markup('<table></table>\n<p class="conditions">Others.</p><table></table>')
    assert said(under_tables(own, "Ours.")) == ["Others.", "Ours."]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, ""),
        ({"images": 1, "identities": 1}, "1 image, 1 identity"),
        ({"queries": 2}, "2 queries"),
        (
            {"mated_searches": 9, "nonmated_searches": 1, "smallest_gallery": 3}
            | {"largest_gallery": 4},
            "9 mated and 1 non-mated searches, in galleries of 3–\N{WORD JOINER}4",
        ),
        ({"searches": 1, "references": 1000}, "1 search, 1,000 references"),
    ],
)
def test_what_was_judged_is_said_in_words(counts: dict[str, int], words: str) -> None:
    assert judged(counts) == words


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["1"], "fold 1"),
        (["1", "2"], "folds 1, 2"),
        (["2", "3", "4"], "folds 2–4"),
        (["2", "4", "5"], "folds 2, 4, 5"),
        (["2", "4", "5", "6"], "4 folds"),
        (["left", "right"], "folds left, right"),
    ],
)
def test_folds_in_a_row_are_named_by_their_ends(names: list[str], words: str) -> None:
    assert folds_in(names).replace("\u00a0", " ") == words


def test_look_alikes_and_retouched_probes_are_conditions() -> None:
    manifest = make_manifest()
    assert "look-alikes" not in conditions(manifest, {})
    manifest.mated_by = "group"
    manifest.dataset.pop("name")
    line = conditions(manifest, {})
    assert line.startswith("an unnamed data set, data cdcdcdcd: folds")
    assert line.endswith(", mates are look-alikes.")
