"""The recipes of `docs/ci.md`, as they stand there: what they end with, and where a verdict is."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.cli import commands
from harness.comparing.baselines import set_baseline
from harness.plugins.places import PACKAGE
from tests.comparing.conftest import Altered, reversed_order

PAGE = PACKAGE.parent / "docs" / "ci.md"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGE.exists(), reason="the documents are in the checkout"),
]


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def recipe() -> str:
    (script,) = [block for block in blocks("sh") if block.startswith("#!")]
    return script


def carried_out(place: Path, said: str, code: int = 0) -> tuple[int, str]:
    """Run the recipe where `harness run` prints a text and ends with a code."""
    tools = place / "tools"
    tools.mkdir(exist_ok=True)
    (place / "said").write_text(said)
    command = tools / "harness"
    command.write_text(
        f'#!/bin/sh\nif [ "$1" = run ]; then cat said; exit {code}; fi\n'
        f'exec {shlex.quote(sys.executable)} -m harness "$@"\n'
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        ["bash", "-c", recipe()],
        cwd=place,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def printed(run: Path) -> str:
    return json.dumps({"runs": [{"folder": str(run)}], "entries": [], "failed": []})


def test_without_a_baseline_the_recipe_says_how_to_make_one_and_it_is_no_regression(
    finished: Path, tmp_path: Path
) -> None:
    code, out = carried_out(tmp_path, printed(finished))
    assert code == 2
    assert "harness baseline set RUN --name similarity" in re.sub(r"&#(\d+);|</?code>", _plain, out)


def _plain(found: re.Match[str]) -> str:
    return chr(int(found[1])) if found[1] else ""


def test_the_recipe_ends_with_the_verdict(finished: Path, altered: Altered, tmp_path: Path) -> None:
    set_baseline(finished, "similarity", "a release", tmp_path / "baselines")
    code, out = carried_out(tmp_path, printed(finished))
    assert (code, "harness gate: passed" in out) == (0, True)
    code, out = carried_out(tmp_path, printed(altered("worse", reversed_order)))
    assert (code, "harness gate: regressed" in out) == (1, True)
    assert (tmp_path / "gate" / "compare.html").is_file()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('{"runs": [], "failed": [{"error": "it crashed"}]}', "it crashed"),
        ("", "ended before it was done"),
        ('{"runs": [], "failed": [], "findings": [{"text": "no mates"}]}', "no mates"),
    ],
)
def test_a_run_that_failed_is_told_by_the_gate_and_is_no_regression(
    finished: Path, tmp_path: Path, said: str, words: str
) -> None:
    set_baseline(finished, "similarity", "a release", tmp_path / "baselines")
    carried_out(tmp_path, printed(finished))
    code, out = carried_out(tmp_path, said, code=3)
    assert code == 3
    assert "no verdict" in out
    assert words in out
    assert "passed" not in out


def test_every_command_of_the_page_exists_with_its_options() -> None:
    text = "\n".join([*blocks("sh"), *blocks("yaml")])
    found = re.findall(r"\bharness ([a-z]+(?: set)?) (--[^|#\n>]*|[^|#\n>]*--[^|#\n>]*)", text)
    assert len(found) >= 7
    for verb, rest in found:
        name, *below = verb.split()
        command = commands.commands[name]
        for word in below:
            command = command.commands[word]
        known = {option for p in command.params for option in p.opts}
        assert {word for word in rest.split() if word.startswith("--")} <= known, (verb, rest)


def test_the_workflow_names_inputs_and_outputs_that_the_action_has() -> None:
    place = PAGE.parents[1] / ".github" / "actions" / "gate" / "action.yml"
    action = yaml.safe_load(place.read_text(encoding="utf-8"))
    workflow = yaml.safe_load(next(one for one in blocks("yaml") if one.startswith("name: ")))
    steps = workflow["jobs"]["gate"]["steps"]
    (gate,) = (one for one in steps if str(place.parent.name) in one.get("uses", ""))
    assert gate["uses"].endswith("/.github/actions/gate@v1")
    assert set(gate["with"]) <= set(action["inputs"])
    needed = {name for name, one in action["inputs"].items() if one.get("required")}
    assert needed <= set(gate["with"])
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"steps\.gate\.outputs\.([\w-]+)", text)) <= set(action["outputs"])
    table = text[text.index("| input |") : text.index("Its outputs are")]
    assert set(re.findall(r"`([a-z-]+)`", table.replace("`--", ""))) >= set(action["inputs"])


def test_a_job_that_comments_runs_none_of_the_pull_request_s_code() -> None:
    (job,) = (one for one in blocks("yaml") if one.lstrip().startswith("comment:"))
    assert "--edit-last --create-if-none" in job
    assert "pull-requests: write" in job
    assert "actions/checkout" not in job
