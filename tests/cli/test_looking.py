"""What there is, is listed by kind; what is named in the wrong place is sent to the right verb."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.readers.layouts import LAYOUTS
from harness.metrics.ids import Metric
from harness.plugins import registry
from harness.tasks.catalogue import CATALOGUE
from tests.conftest import Ran

Command = Callable[..., Ran]


def test_every_metric_is_listed_by_an_id_that_can_be_asked_for(here: Command) -> None:
    found = here("list", "metrics", "--json").json["metrics"]
    assert [Metric.parse(one["name"]).name for one in found] == list(CATALOGUE)
    assert all(one["title"] for one in found)


def test_every_layout_is_listed_and_named_in_the_help(here: Command) -> None:
    assert [one["name"] for one in here("list", "layouts", "--json").json["layouts"]] == list(
        LAYOUTS
    )
    for verb in ("run", "score", "data"):
        shown = here(verb, "--help").out
        assert all(name in shown for name in LAYOUTS), verb


def test_generators_and_recipes_are_listed_with_the_option_that_takes_them(
    here: Command, tmp_path: Path
) -> None:
    own = tmp_path / "own" / "generators"
    own.mkdir(parents=True)
    (own / "squares.py").write_text('"""Squares on skin."""\n')
    (own / "broken.py").write_text("def\n")
    (own / "odd.toml").write_text("identities = 'many'\n")
    listed = here("list", "generators", "--plugins", "own", "--json").json["generators"]
    found = {one["name"]: one for one in listed}
    assert found["squares"]["about"] == "Squares on skin."
    assert found["procedural"]["option"] == "--generator"
    assert found["aigtatt"]["option"] == "--recipe"
    assert found["broken"]["about"].startswith("cannot be read")
    assert found["odd"]["about"].startswith("cannot be read")


def test_several_kinds_are_listed_in_the_order_asked_for(here: Command) -> None:
    assert list(here("list", "layouts", "protocols", "--json").json) == ["layouts", "protocols"]
    assert here("list", "layout").code == 2


def test_columns_stay_columns_whatever_an_algorithm_can_do(here: Command, tmp_path: Path) -> None:
    (tmp_path / "everything.py").write_text(
        "from dataclasses import dataclass\n"
        "from harness import Matcher, Detector, Tagger, Remover\n\n\n"
        "@dataclass\nclass Everything(Matcher, Detector, Tagger, Remover):\n"
        '    """Does it all."""\n'
    )
    lines = here("list", "algorithms", "--plugins", ".").out.splitlines()
    rows = lines[1 : lines.index("")]
    about = {one["name"]: one["about"] for one in here("list", "--json").json["algorithms"]}
    starts = {row.index(about[row.split()[0]]) for row in rows if row.split()[0] in about}
    assert len(starts) == 1
    assert any("matcher+detector+tagger+remover" in row for row in rows)


def test_controls_are_listed_apart_also_where_a_base_class_says_so(here: Command) -> None:
    found = {one["name"]: one["control"] for one in here("list", "--json").json["algorithms"]}
    assert found["size"]
    assert found["random"]
    assert not found["colours"]


@pytest.mark.parametrize("verb", ["describe", "check"])
@pytest.mark.parametrize("kind", ["folder", "sheet", "run"])
def test_a_data_set_or_a_run_in_the_place_of_a_name_is_sent_to_its_own_verb(
    here: Command, tmp_path: Path, verb: str, kind: str
) -> None:
    place = tmp_path / ("mine.csv" if kind == "sheet" else "mine")
    if kind == "sheet":
        place.write_text("image\n")
    else:
        place.mkdir()
    if kind == "run":
        (place / "manifest.json").write_text("{}")
        (place / "checksums.sha256").write_text("")
    ran = here(verb, place.name)
    assert ran.code == 2
    wanted = f"harness verify {place.name}" if kind == "run" else f"harness data {place.name}"
    assert wanted in ran.err


@pytest.mark.parametrize("name", ["identification", "colours"])
def test_a_folder_of_the_same_name_hides_no_protocol_and_no_algorithm(
    here: Command, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    assert here("describe", name).code == 0


@pytest.mark.parametrize(
    ("words", "file", "said"),
    [
        (("run", "--protocol", "similarity", "--algo", "greys"), "greys.py", "./greys.py"),
        (("check", "my-greys"), "my_greys.py", "./my_greys.py"),
        (("run", "--protocol", "mine", "--algo", "colours"), "mine.toml", "./mine.toml"),
        (("synth", "new", "--generator", "squares"), "squares.py", "./squares.py"),
    ],
)
def test_a_file_of_that_name_beside_is_what_may_have_been_meant(
    here: Command, tmp_path: Path, words: tuple[str, ...], file: str, said: str
) -> None:
    (tmp_path / file).write_text("")
    ran = here(*words)
    assert ran.code == 2
    assert f"Did you mean {said!r}?" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open", "runs/a"), "harness report RUN --open"),
        (("evaluate",), "harness run"),
        (("baseline", "lst"), "Did you mean 'list'?"),
        (("import", "safeboru"), "Did you mean 'safebooru'?"),
        (("new", "algoritm"), "Did you mean 'algorithm'?"),
    ],
)
def test_a_verb_of_another_name_is_told(here: Command, words: tuple[str, ...], said: str) -> None:
    ran = here(*words)
    assert ran.code == 2
    assert said in ran.err


def test_baselines_are_listed_by_list_as_by_show(here: Command) -> None:
    assert here("baseline", "list", "--json").json == here("baseline", "show", "--json").json == []


def test_every_named_preset_is_seen_without_importing_the_algorithm() -> None:
    seen = {p.name: glance for p, glance in registry.describe_sources(registry.algorithms())}
    assert "paper" in seen["triplet"].presets
    assert seen["colours"].presets == ()


@pytest.mark.parametrize("verb", ["run", "score"])
def test_likelihood_ratios_have_a_name_of_their_own_beside_the_old_one(
    here: Command, verb: str
) -> None:
    assert "--likelihood-ratios, --forensic [CALIBRATOR]" in here(verb, "--help").out


def test_a_report_is_opened_in_the_browser_when_asked_for(
    here: Command, small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    ran = here(
        *("run", "--protocol", "similarity", "--algo", "constant", "--data", small_set),
        "--likelihood-ratios",
    )
    assert ran.code == 0, ran.err
    assert "likelihood ratios (logistic" in ran.out
    assert here("report", "latest").code == 0
    assert opened == []
    assert here("report", "similarity/constant", "--open").code == 0
    (address,) = opened
    assert address.startswith("file://")
    assert address.endswith("/report.html")
