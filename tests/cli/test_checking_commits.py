"""What a commit changes is examined by the hooks that the repository offers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.conformance.generators import is_generator
from harness.errors import UsageError
from harness.plugins.committed import parts_of
from harness.plugins.places import PACKAGE, bundled
from tests.conftest import Ran

HOOKS = PACKAGE.parent / ".pre-commit-hooks.yaml"

MATCHER = '''
from dataclasses import dataclass

import numpy as np

from harness import Matcher


@dataclass
class {name}(Matcher):
    """Means of colours."""

    def extract(self, image):
        return image.mean(axis=(0, 1)){noise}

    def compare(self, probes, references):
        left, right = np.stack(probes), np.stack(references)
        return -np.linalg.norm(left[:, None] - right[None], axis=2)
'''


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with algorithms, good and bad, and much that is none."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "good.py": MATCHER.format(name="Good", noise=""),
        "bad.py": MATCHER.format(name="Bad", noise=" + np.random.default_rng().normal()"),
        "broken.py": "def broken(:\n",
        "helper.py": "x = 1\n",
        "two/__init__.py": "from .first import x\n"
        + MATCHER.format(name="One", noise="")
        + MATCHER.format(name="Other", noise=""),
        "two/first.py": "x = 1\n",
        "two/deep/__init__.py": "",
        "two/deep/inner.py": "y = 1\n",
        "tests/__init__.py": "",
        "tests/test_good.py": "def test_it():\n    assert True\n",
        "question.toml": (bundled("protocols") / "similarity.toml").read_text(),
        "odd.toml": (bundled("protocols") / "similarity.toml").read_text() + "nonsense = 1\n",
        "pyproject.toml": "[project]\nname = 'mine'\n",
        "faulty.toml": "task = \n",
        "notes.md": "# Notes\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "examined"),
    [
        (["good.py"], ["good.py"]),
        (["broken.py"], ["broken.py"]),
        (["helper.py", "notes.md", "pyproject.toml"], []),
        (["tests/__init__.py", "tests/test_good.py"], []),
        (["two/first.py", "two/deep/inner.py"], ["./two/one", "./two/other"]),
        (["two/__init__.py"], ["./two/one", "./two/other"]),
        (["question.toml", "faulty.toml"], ["question.toml", "faulty.toml"]),
        (["good.py", "helper.py", "question.toml"], ["good.py", "question.toml"]),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_changed_file_stands_for_what_it_is_part_of(
    changed: list[str], examined: list[str]
) -> None:
    assert parts_of(map(Path, changed), is_generator) == examined


def test_a_file_of_a_generator_stands_for_the_generator() -> None:
    folder = bundled("generators") / "procedural"
    (found,) = parts_of([folder / "skin.py", folder / "plates.py"], is_generator)
    assert Path(found).resolve() == folder.resolve()


@pytest.mark.usefixtures("repository")
def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no file 'gone.py'"):
        parts_of([Path("gone.py")], is_generator)


@pytest.mark.slow
def test_several_are_checked_and_the_worst_decides(
    harness: Callable[..., Ran], repository: Path
) -> None:
    ran = harness("check", "--changed", *(repository / one for one in ("good.py", "helper.py")))
    assert ran.code == 0, ran.out + ran.err
    assert "0 failed" in ran.out
    ran = harness("check", *(repository / one for one in ("broken.py", "bad.py", "good.py")))
    assert ran.code == 3
    assert "broken.py, line 1: cannot be imported: SyntaxError" in ran.err
    assert "FAIL  same image, same answer" in ran.out
    assert "good.py:\n" in ran.out
    ran = harness("check", "--changed", repository / "odd.toml")
    assert ran.code == 2
    assert "nonsense" in ran.err
    ran = harness("check", "--changed", repository / "helper.py")
    assert (ran.code, ran.out) == (0, "")
    assert harness("check").code == 2


@pytest.mark.slow
@pytest.mark.skipif(not HOOKS.exists(), reason="the hooks are in the checkout")
@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_the_hooks_stop_a_commit_of_what_does_not_keep_to_the_interface(repository: Path) -> None:
    pytest.importorskip("pre_commit")
    program = [sys.executable, "-m", "pre_commit"]
    subprocess.run([*program, "validate-manifest", str(HOOKS)], check=True, capture_output=True)
    hooks = yaml.safe_load(HOOKS.read_text())
    # Installed from the network they would be: here they run with what is installed.
    here = [{**hook, "language": "system"} for hook in hooks]
    config = {"repos": [{"repo": "local", "hooks": here}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    tools = repository / "tools"
    tools.mkdir()
    command = tools / "harness"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m harness "$@"\n')
    command.chmod(0o755)
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(repository / "cache"),
    }

    def looked_at(*files: str) -> subprocess.CompletedProcess[str]:
        words = [*program, "run", "--files", *files]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False)

    subprocess.run(["git", "init", "-q"], check=True, env=env)
    subprocess.run(["git", "add", "."], check=True, env=env)
    fine = looked_at("good.py", "helper.py", "question.toml", "notes.md")
    assert fine.returncode == 0, fine.stdout
    assert fine.stdout.count("Passed") == 2
    for file in ("bad.py", "broken.py", "odd.toml"):
        stopped = looked_at("helper.py", file)
        assert stopped.returncode == 1, stopped.stdout
        assert stopped.stdout.count("Failed") == 1
