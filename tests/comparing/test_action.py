"""The GitHub Action of the gate, its steps carried out in a job that is made up."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.comparing.baselines import set_baseline
from harness.plugins.places import PACKAGE
from tests.comparing.conftest import Altered, reversed_order

ACTION = PACKAGE.parent / ".github" / "actions" / "gate" / "action.yml"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ACTION.exists(), reason="the action is in the checkout"),
    pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash"),
]

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
PULL_REQUEST = {
    "github.repository": "someone/matcher",
    "github.token": "a-token",
    "github.event.pull_request.number": "7",
}


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return found


@dataclass
class Job:
    """A job that carries out the action as GitHub does, with tools of its own."""

    place: Path
    facts: Mapping[str, str] = field(default_factory=lambda: dict(PULL_REQUEST))
    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    uploaded: bool = False
    printed: str = ""

    def tool(self, name: str, script: str) -> None:
        tools = self.place / "tools"
        tools.mkdir(exist_ok=True)
        (tools / name).write_text(f"#!/bin/bash\n{script}\n")
        (tools / name).chmod(0o755)

    def value(self, text: str, context: Mapping[str, str]) -> str:
        return EXPRESSION.sub(lambda found: context.get(found[1], ""), text)

    def meant(self, condition: str, context: Mapping[str, str]) -> bool:
        """Evaluate what stands behind ``if``: the little of its language that is used."""
        known = {"always()": "True", "&&": " and ", "||": " or "}
        word = r"[A-Za-z_][\w.-]*\(\)|[A-Za-z_][\w.-]*|'[^']*'|&&|\|\|"
        text = re.sub(
            word,
            lambda m: m[0] if m[0][0] == "'" else known.get(m[0], repr(context.get(m[0], ""))),
            condition,
        )
        fine = "always()" in condition or self.code == 0
        return bool(eval(text, {"__builtins__": {}})) and fine  # noqa: S307 - ours, not strangers'

    def does(self, **inputs: str) -> Job:
        """Carry out every step."""
        described = action()
        context = dict(self.facts)
        for name, facts in described["inputs"].items():
            default = self.value(facts.get("default", ""), context)
            context[f"inputs.{name}"] = inputs.get(name.replace("-", "_"), default)
        for step in described["runs"]["steps"]:
            if not self.meant(step.get("if", "inputs.baseline != ''"), context):
                continue
            if "uses" in step:
                self.uploaded = True
                continue
            self._carry_out(step, context)
        self.outputs = {
            name: self.value(facts["value"], context)
            for name, facts in described["outputs"].items()
        }
        return self

    def _carry_out(self, step: dict[str, Any], context: dict[str, str]) -> None:
        said = self.place / "outputs"
        said.write_text("")
        script = self.place / "step.sh"
        script.write_text(step["run"])
        env = {name: self.value(text, context) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.place,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")},
                "PATH": f"{self.place / 'tools'}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(said),
                "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.printed += done.stdout + done.stderr
        self.code = done.returncode or self.code
        for line in said.read_text().splitlines():
            key, _, value = line.partition("=")
            context[f"steps.{step['id']}.outputs.{key}"] = value

    @property
    def summary(self) -> str:
        file = self.place / "summary.md"
        return file.read_text() if file.exists() else ""

    def words(self, tool: str) -> list[list[str]]:
        """Return what a tool was called with, call by call."""
        file = self.place / f"{tool}.log"
        calls = file.read_text().split("\0\0") if file.exists() else []
        return [call.split("\0") for call in calls if call]


NOTED = "printf '%s\\0' \"$@\" >> {0}.log; printf '\\0' >> {0}.log"


@pytest.fixture
def job(finished: Path, tmp_path: Path) -> Callable[..., Job]:
    """A job in a repository with a baseline, in which `harness run` ends as a test wants it."""

    def make(run: Path | None = None, *, code: int = 0, said: str = "") -> Job:
        set_baseline(finished, "similarity", "a release", tmp_path / "baselines")
        made = Job(tmp_path)
        facts = {"runs": [{"folder": str(run)}], "entries": [], "failed": []}
        (tmp_path / "said").write_text(json.dumps(facts) if run else said)
        python = shlex.quote(sys.executable)
        made.tool(
            "harness",
            f'if [ "$1" = run ]; then {NOTED.format("run")}; cat said; '
            f'echo "error: <b>said</b> by the run" >&2; exit {code}; fi\n'
            f'{NOTED.format("gate")}; exec {python} -m harness "$@"',
        )
        made.tool("python", NOTED.format("pip"))
        made.tool(
            "gh",
            f"{NOTED.format('gh')}\n"
            'case "$*" in\n'
            '  "api user"*) exit 1 ;;\n'
            "  *--jq*) [ ! -f ids ] || cat ids ;;\n"
            '  *) for w in "$@"; do case "$w" in '
            'body=@*) cp "${w#body=@}" comment.md ;; esac; done ;;\n'
            "esac\n",
        )
        return made

    return make


def test_what_passes_is_green_and_said_everywhere(
    job: Callable[..., Job], finished: Path, tmp_path: Path
) -> None:
    done = job(finished).does(
        baseline="similarity",
        protocol="similarity",
        algorithm="mine.py",
        arguments="--repeats\n5\n",
        install="tattoo-harness[torch]\nnumpy<3",
        comment="true",
    )
    assert done.code == 0, done.printed
    assert done.outputs == {"verdict": "passed", "exit-code": "0"}
    assert done.words("pip")[0][-2:] == ["tattoo-harness[torch]", "numpy<3"]
    (run,) = done.words("run")
    assert run[1:] == [
        *("--protocol=similarity", "--algo=mine.py", "--out=runs", "--json", "--repeats", "5"),
    ]
    assert "passed" in done.summary
    assert (tmp_path / "gate" / "compare.html").is_file()
    assert done.uploaded
    comment = (tmp_path / "comment.md").read_text()
    assert comment.startswith("<!-- harness gate: gate -->\n")
    assert comment.endswith((tmp_path / "gate" / "gate.md").read_text())
    *_, written = done.words("gh")
    assert written[:5] == ["api", "--silent", "--method", "POST", written[4]]
    assert written[4] == "repos/someone/matcher/issues/7/comments"


def test_what_got_worse_is_red_with_1_and_the_one_comment_is_changed(
    job: Callable[..., Job], altered: Altered, tmp_path: Path
) -> None:
    made = job(altered("worse", reversed_order))
    (tmp_path / "ids").write_text("101\n102\n")
    done = made.does(baseline="similarity", install="", comment="true")
    assert done.code == 1
    assert done.outputs == {"verdict": "regressed", "exit-code": "1"}
    assert "regressed" in done.summary
    *_, written = done.words("gh")
    assert written[3:5] == ["PATCH", "repos/someone/matcher/issues/comments/101"]
    assert not done.words("pip")


def test_what_cannot_be_told_is_red_with_5_unless_it_is_allowed(
    job: Callable[..., Job], altered: Altered, tmp_path: Path
) -> None:
    def a_little(scores: Any) -> Any:
        scores[0] = -scores[0]
        return scores

    made = job(altered("odd", a_little))
    done = made.does(baseline="similarity", install="", margin="0.02")
    assert (done.code, done.outputs["verdict"]) == (5, "inconclusive"), done.printed
    assert not done.words("gh")
    again = Job(tmp_path).does(
        baseline="similarity", install="", margin="0.02", allow_inconclusive="true"
    )
    assert (again.code, again.outputs["verdict"]) == (0, "inconclusive")


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ({"baseline": "nobody"}, 2, "harness baseline set"),
        ({"baseline": "similarity", "metric": "no-metric"}, 2, "no-metric"),
        ({"baseline": "similarity", "margin": "1"}, 2, "margin"),
        ({"baseline": "similarity", "candidate": "no/such/run"}, 2, "no/such/run"),
    ],
)
def test_a_refusal_has_its_code_and_reaches_summary_artifact_and_comment(
    job: Callable[..., Job],
    finished: Path,
    inputs: dict[str, str],
    code: int,
    said: str,
    tmp_path: Path,
) -> None:
    done = job(finished).does(install="", comment="true", **inputs)
    assert (done.code, done.outputs["verdict"]) == (code, "refused"), done.printed
    assert "no verdict" in done.summary
    plain = re.sub(r"&#(\d+);|</?code>", lambda m: chr(int(m[1])) if m[1] else "", done.summary)
    assert said in plain
    assert done.uploaded
    assert "no verdict" in (tmp_path / "comment.md").read_text()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (3, '{"runs": [], "failed": [{"error": "it crashed"}]}'),
        (2, ""),
        (70, ""),
        (130, ""),
    ],
)
def test_a_run_that_broke_ends_with_its_own_code_and_what_it_said(
    job: Callable[..., Job], code: int, said: str
) -> None:
    done = job(code=code, said=said).does(baseline="similarity", install="")
    assert (done.code, done.outputs["verdict"]) == (code, "refused"), done.printed
    assert "no verdict" in done.summary
    assert f"ended with code {code}" in done.summary
    assert "\n    error: <b>said</b> by the run\n" in done.summary  # as code, so not as a tag


def test_an_installation_that_fails_is_said_and_is_no_regression(
    job: Callable[..., Job], finished: Path
) -> None:
    made = job(finished)
    made.tool("python", "exit 1")
    done = made.does(baseline="similarity")
    assert (done.code, done.outputs["verdict"]) == (3, "refused")
    assert "no verdict" in done.summary
    assert "could not be installed" in done.summary
    assert not done.words("run")
    assert done.uploaded
    refused = Job(made.place).does(baseline="similarity", install="--index-url=https://elsewhere")
    assert (refused.code, refused.outputs["verdict"]) == (2, "refused")


def test_a_harness_that_cannot_even_start_is_said_and_is_no_regression(
    job: Callable[..., Job], finished: Path
) -> None:
    made = job(finished)
    made.tool("harness", "exit 70")
    done = made.does(baseline="similarity", install="")
    assert (done.code, done.outputs["verdict"]) == (70, "refused")
    assert "ended with code 70 before it said anything" in done.summary


def test_a_verdict_of_before_is_never_taken_for_this_one(
    job: Callable[..., Job], finished: Path
) -> None:
    made = job(finished)
    assert made.does(baseline="similarity", install="").outputs["verdict"] == "passed"
    made.tool("harness", "exit 1")
    again = Job(made.place).does(baseline="similarity", install="")
    assert (again.code, again.outputs["verdict"]) == (1, "refused")


def test_a_comment_that_cannot_be_written_changes_no_verdict(
    job: Callable[..., Job], finished: Path
) -> None:
    made = job(finished)
    made.tool("gh", "exit 4")
    done = made.does(baseline="similarity", install="", comment="true")
    assert done.code == 0
    assert "::warning::The comment could not be written" in done.printed
    made.facts = {k: v for k, v in PULL_REQUEST.items() if "number" not in k}
    made.printed = ""
    made.does(baseline="similarity", install="", comment="true")
    assert "warning" not in made.printed  # a push has no pull request


NASTY = '"; touch harmed; echo "$(touch harmed)`touch harmed`\' && touch harmed #'


@pytest.mark.parametrize(
    "names",
    [
        ("protocol", "algorithm", "data", "arguments", "metric", "margin", "artifact"),
        ("baseline", "candidate", "allow_inconclusive"),
        ("install",),
        ("runs", "out", "baselines"),
    ],
)
def test_what_an_input_says_is_never_carried_out(
    job: Callable[..., Job], finished: Path, names: tuple[str, ...], tmp_path: Path
) -> None:
    inputs = {"baseline": "similarity", "install": "", "comment": "true"}
    job(finished).does(**inputs | dict.fromkeys(names, NASTY))
    assert not list(tmp_path.rglob("harmed"))


def test_no_script_holds_an_expression_and_every_value_is_quoted() -> None:
    for step in action()["runs"]["steps"]:
        script = step.get("run", "")
        assert "${{" not in script, step["name"]
        assert not re.search(r"(?<![\"{=])\$[A-Z]+\b(?![\"/:}])", script), step["name"]
        assert step.get("shell", "bash") == "bash"
