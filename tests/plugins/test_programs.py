"""Programs of any language as algorithms: the line to them, and what they can do wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.api import Algorithm, FailureToEnroll
from harness.errors import HarnessError, UsageError
from harness.plugins.description import describe
from harness.plugins.programs import messages
from harness.plugins.programs.adapter import OF_PROGRAMS, program_class
from harness.plugins.programs.client import ProgramFault
from harness.plugins.programs.command import command_of
from harness.plugins.programs.documented import facts, page
from harness.plugins.registry import find_algorithm, source_hash
from harness.plugins.scaffold import LANGUAGES, write_program
from tests.conftest import run_harness

ROOT = Path(__file__).parents[2]
ABLE = '"name":"one","version":"1","protocol":1,"abilities":["%s"]'
LOOP = """#!/bin/sh
while IFS= read -r line; do
    n=${{line##*'"bytes":'}}; n=${{n%%[!0-9]*}}
    case $line in *'"bytes":'*) head -c "$n" >/dev/null;; esac
    case $line in
    *'"hello"'*) {hello};;
    *'"{asked}"'*) {does};;
    *'"goodbye"'*) echo '{{"ok":true}}'; exit 0;;
    *) echo '{{"ok":true}}';;
    esac
done
"""


@pytest.fixture
def started() -> Iterator[list[type[Algorithm]]]:
    kinds: list[type[Algorithm]] = []
    yield kinds
    for kind in kinds:
        kind.end_program()  # type: ignore[attr-defined]


def a_program(folder: Path, asked: str, does: str, *, ability: str = "", hello: str = "") -> Path:
    """Write a shell script that answers one question in a way of its own, and the others well."""
    said = hello or f"echo '{{{ABLE % (ability or asked)}}}'"
    file = folder / f"{asked}.sh"
    file.write_text(LOOP.format(hello=said, asked=asked, does=does), encoding="utf-8")
    file.chmod(0o755)
    return file


def an_image(height: int = 40, width: int = 30) -> npt.NDArray[np.uint8]:
    found = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found.flags.writeable = False
    return found


def answer(kind: type[Algorithm], asked: str) -> Any:
    algorithm: Any = kind()
    if asked == "tag":
        algorithm.name_tags(["rose", "anchor"])
    return getattr(algorithm, asked)(an_image())


WRONG = {
    "a crash": ("kill -SEGV $$", "early exit", "ended by SIGSEGV"),
    "an exit that looks well": ("exit 0", "early exit", "with exit code 0"),
    "an exit after half an answer": ("printf '{\"sco'; exit 7", "early exit", "exit code 7"),
    "an endless loop": ("while :; do :; done", "silence", "in 0.3 s"),
    "half an answer and nothing more": ("printf '{\"score\":'; sleep 9", "silence", "in 0.3 s"),
    "talk": ("echo loading the model", "garbage", "loading the model"),
    "NaN": ("echo '{\"score\":NaN}'", "garbage", "neither NaN nor infinity"),
    "a list in the place of an object": ("echo '[1]'", "garbage", "'[1]'"),
    "another key": ('echo \'{"score":1,"mood":2}\'', "wrong answer", "mood"),
    "a text in the place of a number": ('echo \'{"score":"1"}\'', "wrong answer", "float"),
    "an answer to something else": ("echo '{\"ok\":true}'", "wrong answer", "`ok`"),
    "a line without end": ("head -c 3000000 /dev/zero", "too long a line", "1,048,576"),
    "a box outside": (
        'echo \'{"score":1,"boxes":[[20,0,11,5]]}\'',
        "bad boxes",
        "[20, 0, 11, 5] in a picture of 30 x 40",
    ),
    "a failure of its own": (
        'echo \'{"failure":"failed","message":"no licence"}\'',
        "failed",
        "no licence",
    ),
    "a code that there is not": ('echo \'{"failure":"oops"}\'', "wrong answer", "oops"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_program_does_wrong_is_named_and_its_last_words_are_quoted(
    what: str, tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    does, fault, words = WRONG[what]
    file = a_program(tmp_path, "detect", f"echo 'about to go wrong' >&2; {does}")
    kind = program_class([str(file)], seconds={"detect": 0.3})
    started.append(kind)
    with pytest.raises(ProgramFault) as said:
        answer(kind, "detect")
    assert said.value.fault == fault
    assert words in str(said.value)
    assert "'detect'" in str(said.value)
    assert str(said.value).endswith("it last said on standard error: about to go wrong")


def test_after_a_fault_the_program_is_gone_and_can_be_started_again(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    flag = tmp_path / "flag"
    does = f"if [ -e {flag} ]; then echo '{{\"score\":0.25}}'; else echo x > {flag}; exit 4; fi"
    kind = program_class([str(a_program(tmp_path, "detect", does))])
    started.append(kind)
    with pytest.raises(ProgramFault, match="exit code 4"):
        answer(kind, "detect")
    assert answer(kind, "detect") == 0.25


def test_what_is_said_before_it_is_asked_is_an_error(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    file = a_program(tmp_path, "detect", 'printf \'{"score":1}\\n{"score":2}\\n\'')
    kind = program_class([str(file)], seconds={"detect": 5})
    started.append(kind)
    algorithm: Any = kind()
    assert algorithm.detect(an_image()) == 1
    with pytest.raises(ProgramFault, match="Standard output is for answers alone") as said:
        algorithm.detect(an_image())
    assert said.value.fault == "unasked"
    algorithm.detect(an_image())
    with pytest.raises(ProgramFault, match="wrote before it was asked 'goodbye'"):
        kind.end_program()  # type: ignore[attr-defined]


HELLOS = {
    "another version": (f"{{{ABLE % 'detect'}}}".replace(":1,", ":7,"), "another version", "7"),
    "no ability": ('{"name":"a","version":"1","protocol":1,"abilities":[]}', "wrong answer", ""),
    "an ability of its own": (f"{{{ABLE % 'fly'}}}", "wrong answer", "fly"),
    "no version": ('{"name":"a","protocol":1,"abilities":["detect"]}', "wrong answer", "version"),
    "a parameter that is a word of ours": (
        f'{{{ABLE % "detect"},"parameters":[{{"name":"seed","type":"int","default":1}}]}}',
        "bad hello",
        "'seed'",
    ),
    "a default of another type": (
        f'{{{ABLE % "detect"},"parameters":[{{"name":"size","type":"int","default":"x"}}]}}',
        "bad hello",
        "'size'",
    ),
    "a parameter without a type": (
        f'{{{ABLE % "detect"},"parameters":[{{"name":"size","default":1}}]}}',
        "wrong answer",
        "type",
    ),
}


@pytest.mark.parametrize("what", HELLOS)
def test_a_hello_that_cannot_be_used_is_refused(what: str, tmp_path: Path) -> None:
    said, fault, words = HELLOS[what]
    file = a_program(tmp_path, "detect", "exit 1", hello=f"echo '{said}'")
    with pytest.raises(ProgramFault) as reason:
        program_class([str(file)])
    assert reason.value.fault == fault
    assert words in str(reason.value)


def test_a_file_that_cannot_be_started_says_what_a_script_needs(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_bytes(b"\x00\x01 no program")
    file.chmod(0o755)
    with pytest.raises(ProgramFault, match="cannot be started: Exec format error"):
        program_class([str(file)])


SIZES = {
    "segment": ("{\"bytes\":7}'; printf 1234567; echo '", "7 bytes where 1,200 are expected"),
    "remove": ('{"bytes":4000000000}', "4,000,000,000 bytes where 3,600 are expected"),
    "extract": ('{"bytes":68000000}', "Expected `int` <= 67108864"),
    "tag": ('{"scores":[0.5]}', "1 scores for 2 tags"),
}


@pytest.mark.parametrize("asked", SIZES)
def test_an_answer_of_another_size_is_refused_before_anything_is_allocated(
    asked: str, tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    said, words = SIZES[asked]
    question, ability = ("template", "compare") if asked == "extract" else (asked, asked)
    file = a_program(tmp_path, question, f"echo '{said}'", ability=ability)
    kind = program_class([str(file)])
    started.append(kind)
    with pytest.raises(ProgramFault) as reason:
        answer(kind, asked)
    assert words in str(reason.value)


def test_a_picture_that_is_refused_is_a_failure_to_enrol_with_its_reason(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    said = 'echo \'{"failure":"refused","message":"no ink"}\''
    kind = program_class([str(a_program(tmp_path, "detect", said))])
    started.append(kind)
    for _ in range(2):
        with pytest.raises(FailureToEnroll, match="^no ink$"):
            answer(kind, "detect")


def test_a_program_is_told_its_parameters_and_its_seed(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    log = tmp_path / "told"
    hello = f'{{{ABLE % "detect"},"parameters":[{{"name":"size","type":"int","default":3}}]}}'
    file = a_program(tmp_path, "prepare", f'echo "$line" >> {log}; echo \'{{"ok":true}}\'')
    text = file.read_text().replace(f"{{{ABLE % 'prepare'}}}", hello)
    file.write_text(text.replace("*) echo '{\"ok\":true}'", "*) echo '{\"score\":1}'"))
    kind = program_class([str(file)])
    started.append(kind)
    build: Any = kind
    for values in ({}, {}, {"size": 5}, {"size": 5, "seed": 2}):
        build(**values).detect(an_image())
    told = [line.split('"prepare",')[1] for line in log.read_text().splitlines()]
    assert told == [
        '"parameters":{"size":3},"seed":0}',
        '"parameters":{"size":5},"seed":0}',
        '"parameters":{"size":5},"seed":2}',
    ]


MANY = """
import json, struct, sys
come, go = sys.stdin.buffer, sys.stdout.buffer
while line := come.readline():
    asked, more = json.loads(line), b""
    data, said = come.read(asked.get("bytes", 0)), {"ok": True}
    if asked["do"] == "hello":
        said = {"name": "many", "version": "1", "protocol": 1}
        said["abilities"] = ["tag", "remove", "segment", "embed"]
    elif asked["do"] == "template":
        more = struct.pack("<2f", asked["width"], asked["height"])
        said = {"bytes": len(more), "type": "float32"}
    elif asked["do"] == "segment":
        more = data[::3]
        said = {"bytes": len(more)}
    elif asked["do"] == "remove":
        more = data[::-1]
        said = {"bytes": len(more)}
    elif asked["do"] == "tag":
        said = {"scores": [len(word) / 10 for word in asked["tags"]]}
    go.write(json.dumps(said).encode() + b"\\n" + more)
    go.flush()
    if asked["do"] == "goodbye":
        break
"""


TELLING = """#!{python}
import json, sys
hello = {{"name": "telling", "version": "1", "protocol": 1, "abilities": ["search"]}}
for line in sys.stdin.buffer:
    question = json.loads(line)
    data = sys.stdin.buffer.read(question.get("bytes", 0))
    made = line + bytes(data[:3]) + data[-3:]
    said = {{"hello": hello, "enrol": {{"bytes": len(made)}}}}.get(question["do"], {{"ok": True}})
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\\n")
    sys.stdout.buffer.write(made if question["do"] == "enrol" else b"")
    sys.stdout.flush()
    if question["do"] == "goodbye":
        break
"""


def test_all_pictures_of_an_identity_come_with_one_question(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    file = tmp_path / "telling.py"
    file.write_text(TELLING.format(python=sys.executable))
    file.chmod(0o755)
    started.append(program_class([str(file)]))
    algorithm: Any = started[0]()
    images = [an_image(2, 3), an_image(5, 4), an_image(1, 1)]
    line, _, ends = bytes(algorithm.enrol_together(images)).partition(b"\n")
    assert json.loads(line) == {
        "do": "enrol",
        "width": 3,
        "height": 2,
        "bytes": 3 * (6 + 20 + 1),
        "more": [[4, 5], [1, 1]],
    }
    assert ends == images[0].tobytes()[:3] + images[2].tobytes()
    # Of one picture the question is what it always was.
    assert bytes(algorithm.enrol_together(images[:1])) == bytes(algorithm.enrol(images[0]))
    assert b"more" not in bytes(algorithm.enrol(images[0]))


def test_vectors_masks_pictures_and_tags_come_as_the_program_made_them(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    file = tmp_path / "many.py"
    file.write_text(MANY, encoding="utf-8")
    kind: Any = program_class([sys.executable, "-S", "-E", str(file)])
    started.append(kind)
    found = describe(kind)
    assert found.abilities == ["Matcher", "Tagger", "Segmenter", "Remover"]
    assert found.cosine
    assert found.version == "many 1"
    algorithm, image = kind(), an_image()
    made = algorithm.extract(image)
    assert (made.dtype, made.tolist()) == (np.float32, [30.0, 40.0])
    # A byte of 128 is the first that means yes, as one half is.
    assert ((algorithm.segment(image) >= 0.5) == (image[:, :, 0] >= 128)).all()
    assert (algorithm.remove(image) == image[::-1, ::-1, ::-1]).all()
    algorithm.name_tags(["rose", "anchor"])
    assert algorithm.tag(image).tolist() == [0.4, 0.6]


def test_a_program_that_tags_does_not_learn_and_is_told_the_tags_all_the_same(
    tmp_path: Path,
) -> None:
    file = tmp_path / "many.py"
    file.write_text(MANY, encoding="utf-8")
    found = run_harness(
        *("run", "--protocol", "tagging", "--fold", "1", "--on", "in-process", "--json"),
        *("--algo", f"exec:{sys.executable} -S -E '{file}'"),
        cwd=tmp_path,
    )
    assert found.code == 0, found.err
    (run,) = found.json["runs"]
    assert not run["learns"]
    assert "one-fit" not in {one["code"] for one in run["findings"]}
    folder = tmp_path / run["folder"]
    assert not list(folder.glob("units/*/model"))
    words = json.loads((folder / "units/fold-1/unit.json").read_text())["vocabulary"]
    scores = np.load(folder / "units/fold-1/scores/scores.npy")
    assert (scores == np.array([len(word) / 10 for word in words])).all()


@pytest.fixture(scope="module", params=list(LANGUAGES))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program as `harness new program` writes it, that can be started."""
    folder = tmp_path_factory.mktemp("program")
    file = write_program("mean-colours", folder, language=request.param)
    if request.param == "python":
        return file
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ here")
    built = file.with_suffix("")
    words = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", str(built), str(file)]
    subprocess.run(words, check=True)
    return built


@pytest.mark.slow
def test_a_new_program_works_for_what_it_says_and_counts_what_it_cannot(
    written: Path, started: list[type[Algorithm]]
) -> None:
    kind: Any = program_class([str(written)])
    started.append(kind)
    algorithm = kind(cells=3)
    dark = np.full((64, 48, 3), 200, np.uint8)
    dark[24:40, 18:30] = 20
    assert algorithm.detect(dark) > 0.5 > algorithm.detect(255 - dark)
    templates = [algorithm.extract(one) for one in (an_image(), dark, an_image(9, 200))]
    scores = algorithm.compare(templates, templates)
    assert templates[0].shape == (27,)
    expected = np.corrcoef(np.array(templates))
    assert np.allclose(scores, expected, atol=1e-12)
    with pytest.raises(FailureToEnroll, match="one shade"):
        algorithm.extract(np.full((5, 5, 3), 77, np.uint8))


@pytest.mark.slow
@pytest.mark.own_workers
def test_a_new_program_passes_the_kit(written: Path, tmp_path: Path) -> None:
    found = run_harness("check", f"exec:{written}", cwd=tmp_path)
    assert found.code == 0, found.out
    assert "ok    ends with its standard input" in found.out


@pytest.mark.slow
@pytest.mark.own_workers
def test_a_shell_script_with_jq_passes_the_kit_for_detection(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("no jq here")
    file = tmp_path / "texture.sh"
    file.write_text(block_of("docs/black-boxes.md", "jq"), encoding="utf-8")
    file.chmod(0o755)
    found = run_harness("check", f"exec:{file}", cwd=tmp_path)
    assert found.code == 0, found.out
    assert "answers ordinary pictures: 24 of 24" in found.out


def block_of(document: str, word: str) -> str:
    """Return the first script of a page that uses a program."""
    parts = (ROOT / document).read_text(encoding="utf-8").split("```")
    return next(part.partition("\n")[2] for part in parts[1::2] if "#!/" in part and word in part)


@pytest.mark.slow
@pytest.mark.own_workers
def test_the_kit_finds_a_program_that_remembers_and_one_that_stays(tmp_path: Path) -> None:
    does = 'i=$((i + 1)); echo "{\\"score\\":0.$i}"'
    remembers = a_program(tmp_path, "detect", does)
    found = run_harness("check", f"exec:{remembers}", cwd=tmp_path)
    assert found.code == 3
    assert "FAIL  same image, same answer" in found.out
    stays = tmp_path / "stays.sh"
    text = remembers.read_text().replace(does, "echo '{\"score\":0.5}'")
    stays.write_text(text.replace("exit 0", ":") + "exec sleep 20\n")
    stays.chmod(0o755)
    found = run_harness("check", f"exec:{stays}", cwd=tmp_path)
    assert (
        "FAIL  ends when it is told to: it answered 'goodbye' and did not end in 5 s" in found.out
    )
    assert "FAIL  ends with its standard input: it did not end in 5 s" in found.out


@pytest.mark.slow
@pytest.mark.own_workers
def test_a_run_of_a_program_is_a_run_and_a_crash_fails_it_by_name(
    written: Path, tmp_path: Path
) -> None:
    found = run_harness(
        "run", "--protocol", "detection", "--fold", "1", "--algo", f"exec:{written}", cwd=tmp_path
    )
    assert found.code == 0, found.err
    assert "which may change" not in found.err
    assert "and may change without being another entry" in found.err
    (run,) = (one.parent for one in tmp_path.glob("runs/detection/*/manifest.json"))
    assert run.name.startswith("mean-colours-")
    assert "mean-colours 1" in (run / "manifest.json").read_text()
    assert run_harness("verify", run).code == 0
    crashes = a_program(tmp_path, "detect", "echo boom >&2; kill -ABRT $$")
    found = run_harness(
        "run", "--protocol", "detection", "--fold", "1", "--algo", f"exec:{crashes}", cwd=tmp_path
    )
    assert found.code == 3
    assert "ended by SIGABRT and did not answer 'detect'" in found.err
    assert "it last said on standard error: boom" in found.err


NO_COMMANDS = {
    "exec:": "names no command",
    "exec:'one": "cannot be read",
    "exec:./there-is-none": "there is no program './there-is-none'",
    "exec:no-such-program-anywhere": "no program is called",
    "exec:./folder": "is a folder; name the program in it",
    "exec:./plain.py": "chmod +x ./plain.py",
}


@pytest.mark.parametrize("name", NO_COMMANDS)
def test_a_command_that_names_no_program_is_refused_with_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain.py").write_text("print()")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as reason:
        find_algorithm(name)
    assert NO_COMMANDS[name] in str(reason.value)
    for verb in ("describe", "check"):
        said = run_harness(verb, name)
        assert said.code == 2
        assert NO_COMMANDS[name] in said.err


def test_an_entry_is_its_program_and_every_file_and_word_of_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program, model = a_program(tmp_path, "detect", "exit 1"), tmp_path / "model.bin"
    model.write_bytes(b"one")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "part").write_text("1")

    def identity(words: str) -> str:
        return source_hash(find_algorithm(f"exec:{words}"))

    known = "./detect.sh --model=model.bin --more more --fast"
    first = identity(known)
    assert identity(known) == first == identity(known.replace("./", f"{tmp_path}/"))
    assert identity(known.replace("--fast", "--slow")) != first
    for file in (model, tmp_path / "more" / "part", program):
        before = file.read_bytes()
        file.write_bytes(before + b"\n")
        assert identity(known) != first
        file.write_bytes(before)
    assert identity(known) == first


def test_a_program_is_called_after_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "My Matcher_2.py").write_text("print()")
    for words in ("'My Matcher_2.py' --a b", "-u 'My Matcher_2.py'"):
        assert command_of(f"exec:{sys.executable} {words}").name == "my-matcher-2"
    assert command_of(f"exec:{sys.executable}").file == Path(sys.executable)


def test_every_message_has_limits_and_stands_on_the_page_with_its_keys() -> None:
    text = page()
    for name, one in messages.MESSAGES.items():
        assert one.seconds > 0
        assert f"`{name}`" in text
        for key in (*one.question.__struct_fields__, *one.answer.__struct_fields__):
            assert f"`{key}`" in text, key
    for fault in messages.FAULTS:
        assert f"*{fault}*" in text
    assert set(facts()["messages"]) == set(messages.MESSAGES)
    asked = {ability for one in messages.MESSAGES.values() for ability in one.abilities}
    assert asked == {"search", *OF_PROGRAMS}


def test_the_document_has_the_protocol_as_the_code_has_it() -> None:
    text = (ROOT / "docs" / "black-boxes.md").read_text(encoding="utf-8")
    assert page() in text, "renew it from `harness describe --line-protocol`"


def test_describe_shows_the_protocol_to_people_and_to_programs() -> None:
    assert run_harness("describe", "--line-protocol").out == page()
    shown = run_harness("describe", "--line-protocol", "--json").json
    assert shown["messages"]["detect"]["answer"]["$defs"]["Detected"]["required"] == ["score"]
    assert run_harness("describe").code == 2
    assert run_harness("describe", "colours", "--line-protocol").code == 2


def test_what_stands_on_standard_error_does_not_grow_without_bound(
    tmp_path: Path, started: list[type[Algorithm]]
) -> None:
    flood = "head -c 2000000 /dev/zero | tr '\\\\0' x >&2; echo >&2; echo last >&2; exit 1"
    kind = program_class([str(a_program(tmp_path, "detect", flood))])
    started.append(kind)
    with pytest.raises(HarnessError) as reason:
        answer(kind, "detect")
    assert len(str(reason.value)) < 5000
    assert str(reason.value).endswith("last")


def test_nothing_of_a_program_is_left_when_it_is_ended(tmp_path: Path) -> None:
    kind: Any = program_class([str(a_program(tmp_path, "detect", "echo '{\"score\":1}'"))])
    answer(kind, "detect")
    pid = kind.program.pid
    assert kind.end_program() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
