"""What the documents say is true: their commands, names, links and examples."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from harness.cli import commands
from harness.plugins.places import PACKAGE
from tests.conftest import Ran
from tests.snippets import blocks, documents, name_of, not_carried_out, only_compiled
from tests.snippets import commands as commands_of

ROOT = PACKAGE.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the documents are in the checkout")


WRITTEN = [pytest.param(path, id=name_of(path)) for path in documents()] if README.exists() else []


def test_the_check_of_every_change_calls_the_readme_s_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    (command,) = [line for line in commands_of(README) if "pytest" in line]
    for part in command.split(" && "):
        assert part.replace(" -q ", " ") in script.replace(
            " --quiet --disable-pip-version-check ", " "
        )


@pytest.mark.parametrize("path", WRITTEN)
def test_every_command_of_a_document_exists_with_its_options(path: Path) -> None:
    for line in commands_of(path):
        for words in re.findall(r"(?:^|\$\(|&& \.venv/bin/)harness ([a-z].*?)(?:$|>|&&|\))", line):
            verb, *rest = shlex.split(words)
            command: click.Command = commands.commands[verb]
            while isinstance(command, click.Group):
                command = command.commands[rest.pop(0)]
            options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
            assert {word for word in rest if word.startswith("--")} <= options, line


def test_options_are_looked_for_in_enough_commands() -> None:
    lines = [line for path in documents() for line in commands_of(path)]
    assert sum(line.startswith("harness ") for line in lines) > 100


@pytest.mark.parametrize("path", WRITTEN)
def test_every_block_of_python_is_python(path: Path) -> None:
    for block in blocks(path, "python"):
        compile(block, name_of(path), "exec")


def test_what_is_not_carried_out_stands_in_some_document_and_has_a_reason() -> None:
    lines = {line for path in documents() for line in commands_of(path)}
    listed = not_carried_out()
    assert set(listed) - lines == set()
    assert {what for what, _ in listed.values()} == {"options", "dry run"}
    for command, (what, why) in listed.items():
        assert why, command
        assert what == "options" or command.startswith("harness run "), command


def test_blocks_of_python_that_are_only_compiled_stand_where_the_table_says() -> None:
    for page, first in only_compiled():
        starts = [block.split("\n")[0] for block in blocks(ROOT / page, "python")]
        assert starts.count(first) == 1, (page, first)


def test_every_local_link_leads_somewhere() -> None:
    for document in (*documents(), ROOT / "CHANGELOG.md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            made = target.removeprefix("../").startswith("reference/")  # by the build
            if not target.startswith("http") and not made:
                assert (document.parent / target).exists(), f"{name_of(document)}: {target}"


def test_the_readme_s_algorithm_keeps_to_the_interface_in_about_15_lines(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    (text,) = [block for block in blocks(README, "python") if "class " in block]
    written = [line for line in text.splitlines() if line.strip()]
    assert len(written) <= 15
    path = tmp_path / "greys.py"
    path.write_text(text)
    ran = harness("check", path)
    assert ran.code == 0, ran.out


def test_the_page_on_run_folders_describes_every_file_of_one(
    harness: Callable[..., Ran], small_set: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    kinds = [name.replace("FOLD", "*").replace("UNIT", "*") for name in names]
    ran = harness(
        *("run", "--protocol", "similarity,detection", "--algo", "colours,hog-svm"),
        *("--data", small_set, "--json"),
    )
    assert ran.code == 0, ran.err
    folders = [tmp_path / "work" / run["folder"] for run in ran.json["runs"]]
    for folder in folders:
        files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        strange = [
            file.as_posix()
            for file in files
            if not any(
                file.match(kind) or any(part.match(kind.rstrip("/")) for part in file.parents)
                for kind in kinds
            )
        ]
        assert strange == []
    examples = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    similarity = next(folder for folder in folders if folder.parent.name == "similarity")
    for code in examples:
        exec(code.replace("runs/mixed-media/sift-49f4f8218c", str(similarity)), {})  # noqa: S102


def test_the_citation_names_the_version_and_the_licence_of_the_package() -> None:
    said = dict(re.findall(r"^([a-z-]+): *\"?(.*?)\"?$", (ROOT / "CITATION.cff").read_text(), re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (said["version"], said["license"]) == (project["version"], project["license"])
    assert said["title"].startswith(project["name"])
