"""What the documents say is true: their commands, names, links and examples."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from harness.cli import commands
from harness.plugins import registry
from harness.plugins.places import PACKAGE
from tests.conftest import Ran

ROOT = PACKAGE.parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the documents are in the checkout")


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_check_of_every_change_calls_the_readme_s_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    (command,) = [line for block in blocks("sh") for line in block.splitlines() if "pytest" in line]
    for part in command.split(" && "):
        assert part.replace(" -q ", " ") in script.replace(
            " --quiet --disable-pip-version-check ", " "
        )


def test_every_command_in_the_readme_exists_with_its_options() -> None:
    lines = [line.split("#")[0] for block in blocks("sh") for line in block.splitlines()]
    checked = 0
    for line in lines:
        for words in re.findall(r"(?:^|&& \.venv/bin/)harness ([a-z].*?)(?:$|>|&&)", line):
            verb, *rest = shlex.split(words)
            command: click.Command = commands.commands[verb]
            while isinstance(command, click.Group):
                command = command.commands[rest.pop(0)]
            options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
            assert {word for word in rest if word.startswith("--")} <= options, line
            checked += 1
    assert checked >= 8


def test_the_tables_name_the_algorithms_and_protocols_that_there_are() -> None:
    text = README.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert named == set(registry.algorithms()) | set(registry.protocols())


def test_every_local_link_leads_somewhere() -> None:
    for document in (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (ROOT / target).exists(), f"{document.name}: {target}"


def test_the_readme_s_algorithm_keeps_to_the_interface_in_about_15_lines(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    (text,) = [block for block in blocks("python") if "class " in block]
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
