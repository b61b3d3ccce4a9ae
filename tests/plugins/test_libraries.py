"""Libraries for NIST's Tatt-E as algorithms: the driver, and what a library can do wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from algorithms.colours import Colours
from harness.api import FailureToEnroll
from harness.errors import UsageError
from harness.execution.answers import BadAnswer, checked_candidates
from harness.execution.storage import load_remarks, load_templates
from harness.plugins.programs import driver
from harness.plugins.programs.adapter import program_class
from harness.plugins.programs.client import ProgramFault
from harness.plugins.registry import (
    abilities_of,
    find_algorithm,
    load,
    source_hash,
    surveyed,
    with_parameters,
)
from harness.plugins.scaffold import write_program
from harness.record.qualities import fold_qualities, template_qualities
from harness.record.record import read_run
from tests.conftest import Ran, run_harness
from tests.plugins.conftest import Build
from tests.tasks.test_consolidating import MEANS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("libraries")]

VERSION = """
#include <stdint.h>
uint16_t _ZN5TattE17API_MAJOR_VERSIONE = {major}, _ZN5TattE17API_MINOR_VERSIONE = {minor};
"""
FACTORY = "void _ZN5TattE9Interface17getImplementationEv(void) {}\n"
CURRENT = VERSION.format(major=0, minor=1)

Loaded = Callable[..., Any]


@pytest.fixture
def loaded() -> Iterator[Loaded]:
    """Make algorithms of libraries, and end their programs."""
    kinds: list[Any] = []

    def make(file: Path, seconds: dict[str, float] | None = None, **values: Any) -> Any:
        words = [str(driver.built(values.get("header", ""))), str(file)]
        kinds.append(program_class(words, seconds=seconds))
        return kinds[-1](**values)

    yield make
    for kind in kinds:
        kind.end_program()


@pytest.fixture
def hostile(library: Build, loaded: Loaded, tmp_path: Path) -> Loaded:
    """Make an algorithm of the library that does one thing wrong."""

    def make(does: str, seconds: dict[str, float] | None = None) -> Any:
        config = tmp_path / "config"
        config.mkdir(exist_ok=True)
        (config / "does").write_text(does)
        return loaded(library("hostile"), seconds, config=str(config))

    return make


def pictures(count: int = 24) -> list[npt.NDArray[np.uint8]]:
    """Return pictures of many sizes."""
    rng = np.random.default_rng(3)
    sizes = [(48, 64), (33, 47), (3, 2), (1, 1), (4, 4), (5, 100), *[(20, 30)] * count]
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes[:count]]


def searched(algorithm: Any, images: list[npt.NDArray[np.uint8]], length: int = 20) -> Any:
    """Enrol pictures, and search for all of them."""
    algorithm.finalise([algorithm.enrol(one) for one in images])
    return [algorithm.search(algorithm.extract(one), length) for one in images]


def test_the_honest_library_makes_the_templates_of_colours_and_scores_up_to_the_order_of_a_sum(
    library: Build, loaded: Loaded
) -> None:
    algorithm, colours, images = loaded(library("honest", "-O2")), Colours(), pictures()
    expected = [colours.extract(one) for one in images]
    for image, one in zip(images, expected, strict=True):
        expected_bytes = np.asarray(one).tobytes()
        assert algorithm.extract(image).tobytes() == expected_bytes
        assert algorithm.enrol(image).tobytes() == expected_bytes
    scores = colours.compare(expected, expected)
    for row, found in zip(scores, searched(algorithm, images, len(images)), strict=True):
        assert np.abs(found.scores - row[found.places]).max() < 48 * np.finfo(float).eps
        assert (np.diff(found.scores) <= 0).all()
        assert sorted(found.places) == list(range(len(images)))


def test_a_template_of_several_pictures_is_asked_for_once_with_all_of_them(
    library: Build, loaded: Loaded, capfd: pytest.CaptureFixture[str]
) -> None:
    colours, images = Colours(), pictures()
    wide = np.zeros((1, 65536, 3), np.uint8)
    for gallery, said in {"consolidated": "identities", "unconsolidated": "pictures"}.items():
        algorithm = loaded(library("honest", "-O2"), gallery=gallery)
        for several in (images[:1], images[:2], images[2:9]):
            mean = np.sum([np.asarray(colours.extract(one)) for one in several], axis=0) / len(
                several
            )
            made = np.frombuffer(algorithm.enrol_together(several).tobytes())
            assert np.array_equal(made, np.ravel(mean))
        assert np.array_equal(algorithm.enrol_together(images[:1]), algorithm.enrol(images[0]))
        with pytest.raises(FailureToEnroll, match="65536 x 1 pixels; the interface takes sides"):
            algorithm.enrol_together([images[0], wide])
        assert len(searched(algorithm, images)) == len(images)
        type(algorithm).end_program()
        assert f"honest: a gallery of {said}" in capfd.readouterr().out


@pytest.mark.own_workers
def test_a_run_of_consolidated_galleries_has_the_numbers_of_means_of_colours(
    library: Build, tmp_path: Path
) -> None:
    (tmp_path / "means.py").write_text(MEANS)
    for name in (f"tatte:{library('honest', '-O2')}", tmp_path / "means.py"):
        words = ["run", "--protocol", "mixed-media", "--fold", "1", "--algo", name]
        found = run_harness(*words, "--param", "gallery=consolidated", cwd=tmp_path)
        assert found.code == 0, found.err
        assert "(14 templates of 22 pictures, 8 of them of several)" in found.err
    runs = sorted((tmp_path / "runs" / "mixed-media").glob("*/metrics.json"))
    ours, theirs = (json.loads(file.read_text())["pooled"] for file in runs)
    for name, metric in ours.items():
        assert theirs[name]["value"] == pytest.approx(metric["value"], rel=1e-9), name
    (run,) = (one.parent for one in runs if "tatte" in one.parent.name)
    exported = run_harness("export", run, "--format", "nist", "--out", tmp_path / "logs")
    assert exported.code == 0
    assert "a template of several pictures has the name of the first" in exported.err
    assert len((tmp_path / "logs" / "enrolment.log").read_text().splitlines()) == 1 + 14


def test_the_driver_is_free_of_warnings_and_is_compiled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CXX", "g++ -O0 -Wall -Wextra -Wpedantic -Wshadow -Werror")
    first = driver.built()
    before = first.stat().st_mtime_ns
    assert driver.built() == first
    assert first.stat().st_mtime_ns == before
    assert [one.name for one in first.parent.parent.iterdir()] == [first.parent.name]
    monkeypatch.setenv("CXX", "no-such-compiler -O1")
    with pytest.raises(UsageError, match="there is no such compiler; name one, or leave CXX out"):
        driver.built()
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"install one \(apt install g\+\+"):
        driver.built()


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wrong = tmp_path / "tatte.h"
    wrong.write_text("namespace TattE {}\n")
    with pytest.raises(UsageError, match=r"cannot compile the driver .* against .*tatte\.h.*error"):
        driver.built(str(wrong))
    with pytest.raises(UsageError, match="there is no such file; name NIST's"):
        driver.built(str(tmp_path / "nowhere.h"))
    assert not list(tmp_path.glob("*/drivers/*"))


def test_a_header_of_theirs_is_compiled_against_and_belongs_to_the_entry(
    library: Build, loaded: Loaded, tmp_path: Path
) -> None:
    header = tmp_path / "tatte.h"
    shutil.copy(driver.SOURCES / "tatte_interface.hpp", header)
    file = library("null")
    plain = find_algorithm(f"tatte:{file}")
    against = with_parameters(plain, {"header": str(header)})
    assert against.command != plain.command
    assert against.path == plain.path == f"tatte:{file}"
    assert source_hash(against) != source_hash(plain)
    algorithm = loaded(file, header=str(header))
    assert algorithm.extract(pictures(1)[0]).tolist() == [0]
    kind: Any = load(plain)
    with pytest.raises(ProgramFault, match="is not what this driver was compiled against"):
        kind(header=str(header)).extract(pictures(1)[0])
    kind.end_program()


OTHERS = {
    "missing symbol": ("int nothing;", (), "does not define TattE::Interface::getImplementation()"),
    "interface of 2016": (
        "void _ZN5TattE23IdentificationInterface17getImplementationEv(void) {}",
        (),
        "keeps to the Tatt-E interface of 2016",
    ),
    "no version": (FACTORY, (), "does not say which version of the interface it keeps to"),
    "later version": (
        FACTORY + VERSION.format(major=1, minor=0),
        (),
        "keeps to version 1.0 of the Tatt-E interface; this driver takes 0.1",
    ),
    "earlier version": (FACTORY + VERSION.format(major=0, minor=0), (), "keeps to version 0.0"),
    "libc++": (
        FACTORY + CURRENT + "void _ZNSt3__112basic_stringIcED1Ev(void) {}",
        (),
        "was built with libc++",
    ),
    "undefined": (
        FACTORY + CURRENT + "void nowhere(void); void here(void) { nowhere(); }",
        (),
        "uses a function that nothing defines",
    ),
    "program": ("int main(void) { return 0; }", ("-pie", "-no-pie"), "is no shared library"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_library_of_another_kind_is_refused_with_a_sentence_of_its_own(
    what: str, library: Build, loaded: Loaded
) -> None:
    text, options, words = OTHERS[what]
    file = library(what.replace(" ", "_"), *options, text=text)
    with pytest.raises(ProgramFault) as reason:
        loaded(file)
    assert reason.value.fault == "failed"
    assert words in str(reason.value)
    assert str(file) in str(reason.value)


def test_old_strings_are_noticed_by_their_symbols(library: Build, loaded: Loaded) -> None:
    file = library("old_strings", "-D_GLIBCXX_USE_CXX11_ABI=0", sources="null")
    with pytest.raises(ProgramFault, match="built with the old strings .*_GLIBCXX_USE_CXX11_ABI=1"):
        loaded(file)


def test_a_newer_glibc_a_missing_library_and_another_processor_are_told_apart(
    library: Build, loaded: Loaded, tmp_path: Path
) -> None:
    needs = "int _ZN5helper(void); int here(void) { return _ZN5helper(); }"
    map_file = tmp_path / "map"
    map_file.write_text("GLIBC_9.99 { global: *; };\n")
    options = (f"-Wl,--version-script={map_file}", "-Wl,-soname,libhelper.so.1")
    helper = library("helper", *options, text="int _ZN5helper(void) { return 1; }")
    file = library("newer", str(helper), f"-Wl,-rpath,{tmp_path}", text=needs + FACTORY + CURRENT)
    with pytest.raises(ProgramFault, match=r"needs a library that is not here.*libhelper\.so\.1"):
        loaded(file)
    map_file.write_text("GLIBC_9.98 { global: *; };\n")
    older = library("older_helper", *options, text="int _ZN5helper(void) { return 1; }")
    shutil.copy(older, tmp_path / "libhelper.so.1")
    with pytest.raises(ProgramFault, match="needs a newer glibc than this machine's"):
        loaded(file)
    other = tmp_path / "libtatte_other_001.so"
    data = bytearray(library("null").read_bytes())
    data[18:20] = (0x28).to_bytes(2, sys.byteorder)  # ARM
    other.write_bytes(data)
    with pytest.raises(ProgramFault, match="built for another kind of processor .*machine 40"):
        loaded(other)
    other.write_text("GROUP ( libtatte.so )\n")
    with pytest.raises(ProgramFault, match="is no shared library; a submission is a file lib"):
        loaded(other)


NO_LIBRARIES = {
    "tatte:": "names no library; write tatte:PATH",
    "tatte:nowhere.so": "the library 'nowhere.so' is not there",
    "tatte:folder": "is a folder; name the library in it",
}


@pytest.mark.parametrize("name", NO_LIBRARIES)
def test_a_name_without_a_library_says_what_to_write(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as reason:
        find_algorithm(name)
    assert NO_LIBRARIES[name] in str(reason.value)


def test_the_driver_is_known_by_what_it_is_made_of_and_the_library_by_its_bytes(
    library: Build, tmp_path: Path
) -> None:
    file = tmp_path / "a b" / "libtatte_ACME_002.so"
    file.parent.mkdir()
    shutil.copy(library("null"), file)
    plugin = find_algorithm(f"tatte:{file}")
    assert (plugin.name, plugin.path) == ("tatte-acme-002", f"tatte:{file}")
    before = source_hash(plugin)
    assert find_algorithm(plugin.path) == plugin
    with file.open("ab") as more:
        more.write(b"x")
    assert source_hash(plugin) != before


FAULTS = {
    "crash in search 7": "the library was ended in identifyTemplate by SIGSEGV",
    "exit": "the library ended its process in createTemplate with exit code 0",
    "quiet exit": "the library ended its process in createTemplate with exit code 3",
    "throw": "identifyTemplate threw an exception: no licence",
    "throw a number": "identifyTemplate threw what is no std::exception",
    "odd code": "createTemplate returned 42, which is no return code",
    "no file": "createTemplate returned InputLocationError",
    "bad configuration": "initializeTemplateCreation returned ConfigError: no model",
    "crash in initializeIdentification": "was ended in initializeIdentification by SIGABRT",
    "abort finalising": "the library was ended in finalizeEnrollment by SIGABRT",
    "full disk": "finalizeEnrollment returned EnrollDirError: no space",
    "unknown": "named a candidate that is not in the manifest: 24",
    "no number": "named a candidate that is not in the manifest: one",
    "NaN quality": "createTemplate gave a quality outside [0, 1]: nan",
    "too good": "createTemplate gave a quality outside [0, 1]: 1.5",
    "NaN": "gave candidate 1 a score that is no finite number: nan",
    "write config": "createTemplate wrote into a folder that is read-only: ",
    "write enrolment": "identifyTemplate wrote into a folder that is read-only: ",
    "no search": "cannot do what it is asked, 'search': identifyTemplate returned NotImplemented",
}


@pytest.mark.parametrize("does", FAULTS)
def test_what_a_library_does_wrong_fails_the_run_and_names_the_function(
    does: str, hostile: Loaded
) -> None:
    with pytest.raises(ProgramFault) as reason:
        searched(hostile(does), pictures())
    assert FAULTS[does] in str(reason.value)


LISTS = {
    "3 of 20": "has 3 candidates and 0 empty places where 20 are asked for",
    "too many": "has 21 candidates",
    "twice": "names reference 0 more than once",
    "unsorted": "is not sorted: rank 2 has the score",
}


@pytest.mark.parametrize("does", LISTS)
def test_a_list_that_is_none_is_refused(does: str, hostile: Loaded) -> None:
    algorithm, images = hostile(does), pictures()
    (first, *_) = searched(algorithm, images)
    with pytest.raises(BadAnswer, match=LISTS[does]):
        checked_candidates(first, 20, len(images), "a.png")


def test_a_library_that_never_answers_is_ended_with_all_its_processes(
    hostile: Loaded, tmp_path: Path
) -> None:
    algorithm = hostile("loop", {"search": 0.5})
    with pytest.raises(ProgramFault, match="did not answer 'search' in 0.5 s, and was ended"):
        searched(algorithm, pictures())
    # They are told by the system that the driver is gone, and a busy machine takes its moment.
    until = time.monotonic() + 30
    while processes_of("libtatte_hostile_001") and time.monotonic() < until:
        time.sleep(0.05)
    assert not processes_of("libtatte_hostile_001")


def processes_of(name: str) -> list[str]:
    """Return the command lines of processes, but for ours, that name something."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if name in words and place.parent.name != str(os.getpid()):
            found.append(words)
    return found


@pytest.mark.parametrize("does", ["refuse", "blank"])
def test_what_a_library_refuses_is_counted_as_a_failure_to_enrol(
    does: str, hostile: Loaded
) -> None:
    algorithm = hostile(does)
    said = {
        "refuse": 'createTemplate returned RefuseInput: not "this" one \\?',
        "blank": "createTemplate returned Success and a template of 0 bytes",
    }
    for make in (algorithm.enrol, algorithm.extract, algorithm.enrol):
        with pytest.raises(FailureToEnroll, match=f"^{said[does]}$"):
            make(pictures(1)[0])


def test_a_search_that_fails_is_counted_and_empty_places_are_said(hostile: Loaded) -> None:
    with pytest.raises(FailureToEnroll, match="^identifyTemplate returned TemplateFormatError"):
        searched(hostile("bad template"), pictures())
    found = searched(hostile("empty places"), pictures())
    assert [(len(one.places), one.empty) for one in found] == [(19, 1)] * 24


def test_what_a_library_prints_is_the_log_and_never_an_answer(
    hostile: Loaded, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    algorithm = hostile("garbage")
    assert len(searched(algorithm, pictures())) == 24
    type(algorithm).end_program()
    out = capfd.readouterr().out
    assert out.count("loading") == out.count('{"candidates":[]}') == 24


def test_memory_that_runs_out_is_said_by_name(
    library: Build, loaded: Loaded, tmp_path: Path
) -> None:
    (tmp_path / "does").write_text("leak")
    words = f"ulimit -v 300000; exec '{driver.built()}' '{library('hostile')}'"
    kind: Any = program_class(["sh", "-c", words])
    with pytest.raises(ProgramFault, match="createTemplate threw an exception: std::bad_alloc"):
        kind(config=str(tmp_path)).extract(pictures(1)[0])
    kind.end_program()


def test_the_decision_and_the_confidence_of_a_detection_make_one_score(
    library: Build, loaded: Loaded, hostile: Loaded
) -> None:
    image = pictures(1)[0]
    assert hostile("well").detect(image) == 0.625  # a quarter sure, and yes
    for one in pictures(8):
        assert hostile("well").detect(one) == 0.625
    dark = np.full((40, 60, 3), 200, np.uint8)
    dark[10:30, 15:45] = 20
    honest = loaded(library("honest", "-O2"))
    assert honest.detect(dark) == 1.0
    assert 0 <= honest.detect(255 - dark) < 0.5
    for does, words in {
        "NaN": "gave a confidence outside [0, 1]: nan",
        "too sure": "gave a confidence outside [0, 1]: 1.5",
        "no detection": "says that it cannot do what it is asked, 'detect'",
    }.items():
        with pytest.raises(ProgramFault) as reason:
            hostile(does).detect(image)
        assert words in str(reason.value)


def test_stages_take_turns_and_a_new_gallery_takes_the_place_of_the_last(
    library: Build, loaded: Loaded
) -> None:
    algorithm, images = loaded(library("random")), pictures(60)

    reasons = set()

    def made(method: Callable[[Any], Any], one: Any) -> Any:
        try:
            return method(one)
        except FailureToEnroll as reason:
            reasons.add(str(reason))
            return None

    lists: list[dict[int, Any]] = []
    for turn in range(3):
        kept = {}
        for number, image in enumerate(images[turn:], start=turn):
            made(algorithm.detect, image)
            template = made(algorithm.enrol, image)
            if template is not None:
                kept[number] = template
        assert 30 < len(kept) < 60 - turn
        algorithm.finalise(list(kept.values()))
        found = {
            number: made(lambda one: algorithm.search(algorithm.extract(one), 3), images[number])
            for number in kept
        }
        answered = [list(kept)[one.places[0]] == n for n, one in found.items() if one is not None]
        assert all(answered)
        assert len(kept) / 2 < len(answered) < len(kept)
        lists.append(found)
    assert reasons == {
        f"{function} returned {code}: drawn to fail"
        for function, code in {
            "createTemplate": "TemplateCreationError",
            "identifyTemplate": "VendorError",
            "detectTattoo": "RefuseInput",
        }.items()
    }
    assert [one is None for one in lists[0].values()][-20:] == [
        one is None for one in lists[2].values()
    ][-20:]


def test_nothing_is_left_behind(
    library: Build, hostile: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path / "scratch"
    tmp_path.mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    kind: Any = program_class([str(driver.built()), str(library("honest", "-O2"))])
    searched(kind(), pictures())
    assert list(tmp_path.iterdir())
    assert kind.end_program() == ""
    assert not list(tmp_path.iterdir())
    assert not processes_of("libtatte_honest_001")
    # A driver that is killed leaves nothing either, a moment later.
    with pytest.raises(ProgramFault, match="SIGSEGV"):
        searched(hostile("crash in search 7"), pictures())
    until = time.monotonic() + 20
    while (list(tmp_path.iterdir()) or processes_of("libtatte_hostile")) and (
        time.monotonic() < until
    ):
        time.sleep(0.01)
    assert not list(tmp_path.iterdir())
    assert not processes_of("libtatte_hostile")


@pytest.mark.own_workers
def test_the_kit_passes_the_honest_library_and_finds_one_that_keeps_state(
    library: Build, tmp_path: Path
) -> None:
    found = run_harness("check", f"tatte:{library('honest', '-O2')}", cwd=tmp_path)
    assert found.code == 0, found.out
    (tmp_path / "does").write_text("state")
    words = ["check", f"tatte:{library('hostile')}", "--param", f"config={tmp_path}"]
    found = run_harness(*words, cwd=tmp_path)
    assert found.code == 3
    assert "FAIL  Searcher: a search does not depend on others" in found.out


@pytest.mark.own_workers
def test_a_run_of_the_honest_library_has_the_numbers_of_colours(
    library: Build, tmp_path: Path
) -> None:
    file = library("honest", "-O2")
    for name in (f"tatte:{file}", "colours"):
        words = ["run", "--protocol", "mixed-media", "--fold", "1", "--algo", name]
        found = run_harness(*words, cwd=tmp_path)
        assert found.code == 0, found.err
    ours, theirs = (
        json.loads((run / "metrics.json").read_text())["pooled"]
        for run in sorted((tmp_path / "runs" / "mixed-media").iterdir())
        if (run / "metrics.json").exists()
    )
    for name, metric in ours.items():
        assert theirs[name]["value"] == pytest.approx(metric["value"], rel=1e-9), name


@pytest.mark.own_workers
def test_a_run_says_what_a_library_did_wrong_and_other_runs_go_on(
    library: Build, tmp_path: Path
) -> None:
    words = ["run", "--protocol", "mixed-media,detection", "--fold", "1"]
    (tmp_path / "does").write_text("NaN")
    hostile = ["--algo", f"tatte:{library('hostile')}", "--param", f"config={tmp_path}"]
    found = run_harness(*words, *hostile, cwd=tmp_path)
    assert found.code == 3
    assert "gave a confidence outside [0, 1]: nan" in found.err
    assert "gave candidate 1 a score that is no finite number" in found.err
    (tmp_path / "does").write_text("crash in search 7")
    words = ["run", "--protocol", "mixed-media", "--fold", "1", "--param", f"config={tmp_path}"]
    found = run_harness(*words, "--algo", f"tatte:{library('hostile')}", cwd=tmp_path)
    assert found.code == 3
    assert "the library was ended in identifyTemplate by SIGSEGV" in found.err


@pytest.mark.own_workers
def test_logs_as_nist_writes_them_give_the_numbers_of_the_run(
    library: Build, tmp_path: Path
) -> None:
    words = ["run", "--protocol", "mixed-media,detection", "--fold", "1"]
    words += ["--param", "candidates=10", "--algo", f"tatte:{library('random')}"]
    found = run_harness(*words, cwd=tmp_path)
    assert found.code == 0, found.err
    assert "fails the check" not in found.err
    for protocol, option in {"mixed-media": "--candidates", "detection": "--detections"}.items():
        (run,) = (one.parent for one in tmp_path.glob(f"runs/{protocol}/*/metrics.json"))
        logs = tmp_path / protocol
        assert run_harness("export", run, "--format", "nist", "--out", logs).code == 0
        told = [option, str(logs / "scores.log"), "--protocol", protocol, "--fold", "1"]
        scored = run_harness("score", *told, "--out", tmp_path / "again")
        assert scored.code == 0, scored.err
        (again,) = tmp_path.glob(f"again/{protocol}/*/metrics.json")
        ours, theirs = (
            {name: one["value"] for name, one in json.loads(file.read_text())["pooled"].items()}
            for file in (run / "metrics.json", again)
        )
        assert theirs == ours
        assert any(value is not None for value in ours.values())
    codes = {line.split()[2] for line in (tmp_path / "mixed-media/scores.log").open()}
    assert codes == {"searchRetCode", "0", "6", "11"}  # templates and searches that fail
    assert {line.split()[1] for line in (logs / "scores.log").open()} == {"returnCode", "0", "3"}
    for name, least in {"enrolment.log": 108, "templates.log": 8}.items():
        header, *lines = (tmp_path / "mixed-media" / name).read_text().splitlines()
        assert header == "id image templateSizeBytes returnCode seconds quality"
        rows = [line.split() for line in lines]
        assert [row[0] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
        assert len({row[1] for row in rows}) == len(rows) == (22 if least > 100 else 14)
        assert {row[3] for row in rows} == {"0", "6"}
        for _, _, size, code, seconds, *quality in rows:
            assert all(0 <= float(one) < 1 for one in quality)
            assert len(quality) == (code == "0")
            assert (int(size) >= least) == (code == "0")
            assert (size == "0") == (code != "0")
            assert 0 < float(seconds) < 60


@pytest.mark.own_workers
def test_a_program_and_a_library_give_the_same_bytes_on_a_cluster(
    harness: Callable[..., Ran], library: Build, tmp_path: Path
) -> None:
    program = write_program("engine", tmp_path)
    ways = {
        f"exec:{sys.executable} {program}": ("--param", "cells=3"),
        f"tatte:{library('honest', '-O2')}": ("--param", "gallery=consolidated"),
    }
    for name, words in ways.items():
        command = ["run", "--protocol", "mixed-media", "--fold", "1", "--algo", name, *words]
        found = []
        for where in ("subprocess", "dask"):
            place = ("--on", where, "--workers", "2", "--out", tmp_path / where)
            ran = harness(*command, "--json", *place, timeout=400)
            assert ran.code == 0, ran.err
            folder = Path(ran.json["runs"][0]["folder"])
            files = [folder / "metrics.json", *folder.glob("units/*/scores/scores.npy")]
            found.append([file.read_bytes() for file in files])
        assert found[0] == found[1]
        assert len(found[0]) == 2


def test_what_a_library_does_not_implement_is_no_ability_of_it(
    library: Build, loaded: Loaded, hostile: Loaded
) -> None:
    for algorithm, expected in (
        (loaded(library("honest", "-O2")), ["Searcher", "Detector"]),
        (loaded(library("null")), ["Searcher"]),
        (hostile("well"), ["Searcher", "Detector"]),
    ):
        able = surveyed(type(algorithm), {"config": algorithm.config})
        assert list(abilities_of(able)) == expected
    # Whether it detects may be a matter of its configuration; what it does wrong is found later.
    for does, expected in {
        "no detection": ["Searcher"],
        "no templates": ["Detector"],
        "crash in initializeDetection": ["Searcher", "Detector"],
        "exit": ["Searcher", "Detector"],
        "write config": ["Searcher", "Detector"],
    }.items():
        algorithm = hostile(does)
        able = surveyed(type(algorithm), {"config": algorithm.config})
        assert list(abilities_of(able)) == expected, does
    algorithm = hostile("neither")
    with pytest.raises(ProgramFault, match="has none of its abilities .* it named search, detect"):
        surveyed(type(algorithm), {"config": algorithm.config})


@pytest.mark.own_workers
def test_a_library_without_detection_is_not_checked_for_it_and_is_refused_by_its_protocol(
    library: Build, tmp_path: Path
) -> None:
    name = f"tatte:{library('null')}"
    found = run_harness("describe", name, "--json")
    assert found.json["abilities"] == ["Searcher"]
    found = run_harness("check", name, cwd=tmp_path)
    assert "NotImplemented" not in found.out
    assert "detect" not in found.out.lower().replace("detection\n", "")
    found = run_harness("run", "--protocol", "detection", "--algo", name, cwd=tmp_path)
    assert found.code == 2
    assert "protocol 'detection' needs a Detector, which 'tatte-null-001' is not" in found.err


@pytest.mark.own_workers
def test_quality_boxes_and_the_size_of_the_gallery_are_kept_verified_shown_and_exported(
    library: Build, tmp_path: Path
) -> None:
    words = ["run", "--protocol", "mixed-media,detection", "--fold", "1", "--json"]
    found = run_harness(*words, "--algo", f"tatte:{library('honest', '-O2')}", cwd=tmp_path)
    assert found.code == 0, found.err
    searching, detecting = (tmp_path / run["folder"] for run in found.json["runs"])
    assert run_harness("verify", searching, detecting).code == 0

    # Each quality is the contrast of the template that it stands beside.
    kept: dict[str, float] = {}
    for place in sorted(searching.glob("units/*/templates")):
        templates, _ = load_templates([place])
        quality = load_remarks(place).quality
        assert quality.keys() == templates.keys()
        for image, template in templates.items():
            values = np.frombuffer(np.asarray(template).tobytes(), np.float64)
            assert quality[image] == pytest.approx(np.sqrt((values**2).mean()) / 127.5, abs=1e-15)
        kept |= quality
    listed = template_qualities(searching, "tatte-honest-001")
    assert {one.image: one.value for one in listed} == kept
    assert sum(one.is_reference for one in listed) == 22
    fold = fold_qualities(searching, read_run(searching).folds[0])
    assert (len(fold.probes), len(fold.references)) == (14, 22)
    assert {**fold.probes, **fold.references} == kept

    # Its enrolment folder: the templates, and a line of the manifest for each.
    costs = found.json["runs"][0]["costs"]
    size = 22 * 48 * 8 + sum(len(f"{i} {48 * 8} {i * 48 * 8}\n") for i in range(22))
    assert (costs["gallery"]["count"], costs["gallery"]["median"]) == (1, size)
    assert (costs["enrolled"]["count"], costs["template"]["count"]) == (22, 14)

    logs = tmp_path / "logs"
    assert run_harness("export", searching, "--format", "nist", "--out", logs).code == 0
    header, *lines = (logs / "enrolment.log").read_text().splitlines()
    assert header == "id image templateSizeBytes returnCode seconds quality"
    for line in lines:
        row = line.split()
        assert float(row[5]) == kept[row[1]]

    boxes = load_remarks(detecting / "units/fold-1/scores").boxes
    scores = np.load(detecting / "units/fold-1/scores/scores.npy")
    assert len(boxes) == (scores >= 0.5).sum() > 0
    logs = tmp_path / "detections"
    assert run_harness("export", detecting, "--format", "nist", "--out", logs).code == 0
    header, *lines = (logs / "scores.log").read_text().splitlines()
    assert header == "image returnCode tattooDetected score boxes"
    said = {row[0]: row[4:] for row in map(str.split, lines)}
    assert {name: [",".join(map(str, *one))] for name, one in boxes.items()} == {
        name: one for name, one in said.items() if one
    }
    told = ["--detections", str(logs / "scores.log"), "--protocol", "detection", "--fold", "1"]
    assert run_harness("score", *told, "--out", tmp_path / "again").code == 0
    page = (searching / "report.html").read_text()
    assert "Gallery as the program keeps it" in page
    assert "Template of a probe" in page
    assert "The median quality of templates is" in page
