"""Tab completes names in three shells, quickly, and never fails at the prompt."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from harness.cli.verbs import commands
from harness.plugins import registry
from harness.plugins.places import PACKAGE
from tests.conftest import Ran

Command = Callable[..., Ran]


def offered(*words: str) -> list[str]:
    """Return what Tab offers after words, of which the last is begun."""
    shell = ShellComplete(commands, {}, "harness", "_HARNESS_COMPLETE")
    found = shell.get_completions(list(words[:-1]), words[-1])
    return [one.value for one in found if one.type == "plain"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three run folders, of which one is unfinished."""
    monkeypatch.chdir(tmp_path)
    for name in ("similarity/sift-0123456789", "region/hog-svm-0123456789", "similarity/x-1"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if not name.endswith("x-1"):
            (tmp_path / "runs" / name / "checksums.sha256").write_text("")
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("run", "--algo", "trip"), ["triplet"]),
        (("run", "--algo", "sift,colou"), ["sift,colours"]),
        (("run", "--algo", "sift,sif"), []),
        (("run", "--protocol", "mixed"), ["mixed-media"]),
        (("run", "--protocol", "similarity,reg"), ["similarity,region"]),
        (("run", "--algo", "triplet", "--preset", "pa"), ["paper"]),
        (("run", "--algo", "colours", "--preset", ""), []),
        (("run", "--layout", "tatt"), ["tatt-c"]),
        (("check", "hog-s"), ["hog-svm"]),
        (("check", "triplet", "--preset", "pa"), ["paper"]),
        (("describe", "fnm"), ["fnmr"]),
        (("list", "lay"), ["layouts"]),
        (("lead",), ["leaderboard"]),
        (("baseline", "se"), ["set"]),
        (("nothing-of-the-kind", "lead"), ["leaderboard"]),
        (("baseline", "nothing", "se"), ["set"]),
        (("run", "--plugins", "nowhere", "--algo", "sif"), ["sift"]),
    ],
)
def test_names_are_completed(words: tuple[str, ...], wanted: list[str]) -> None:
    assert offered(*words) == wanted


def test_all_is_a_name_where_several_are_taken() -> None:
    assert "all" in offered("run", "--algo", "a")
    assert "all" not in offered("check", "a")
    assert set(registry.protocols()) | {"all"} == set(offered("run", "--protocol", ""))


def test_algorithms_of_a_plugin_folder_are_completed(tmp_path: Path) -> None:
    (tmp_path / "zebra.py").write_text("")
    assert offered("run", "--plugins", str(tmp_path), "--algo", "zeb") == ["zebra"]


def test_a_file_is_completed_where_no_name_begins_so() -> None:
    shell = ShellComplete(commands, {}, "harness", "_HARNESS_COMPLETE")
    (found,) = shell.get_completions(["run", "--algo"], "./gre")
    assert (found.type, found.value) == ("file", "./gre")


def test_finished_runs_are_completed_by_short_name_and_folder(runs: Path) -> None:
    assert offered("verify", "") == [
        "latest",
        "region/hog-svm",
        "similarity/sift",
        *("runs/region/hog-svm-0123456789", "runs/similarity/sift-0123456789"),
    ]
    assert offered("gate", "--candidate", "sim") == ["similarity/sift"]
    assert offered("verify", "latest", "reg") == ["region/hog-svm"]


def test_baselines_are_completed_before_runs(runs: Path) -> None:
    (runs.parent / "baselines" / "simple").mkdir(parents=True)
    (runs.parent / "baselines" / "simple" / "baseline.json").write_text("{}")
    assert offered("gate", "--baseline", "sim") == ["simple", "similarity/sift"]
    assert offered("baseline", "show", "simp") == ["simple"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed_and_says_how_it_is_switched_on(
    here: Command, shell: str
) -> None:
    ran = here("completion", shell)
    assert ran.code == 0
    assert f"_HARNESS_COMPLETE={shell}_complete" in ran.out
    assert f"harness completion {shell}" in ran.out.splitlines()[-1]


@pytest.mark.parametrize(("shell", "code"), [("/bin/bash", 0), ("/bin/tcsh", 2), ("", 2)])
def test_the_user_s_own_shell_is_taken_unless_one_is_named(
    here: Command, monkeypatch: pytest.MonkeyPatch, shell: str, code: int
) -> None:
    monkeypatch.setenv("SHELL", shell)
    ran = here("completion")
    assert ran.code == code
    assert ("bash_complete" in ran.out) == (code == 0)
    assert code == 0 or "name your shell: harness completion bash|zsh|fish" in ran.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    (tmp_path / "harness").write_text(f'#!/bin/sh\nexec {sys.executable} -m harness "$@"\n')
    (tmp_path / "harness").chmod(0o755)
    script = (
        'eval "$(harness completion bash)"\n'
        "COMP_WORDS=(harness run --algo sift,colou); COMP_CWORD=3\n"
        '_harness_completion harness; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.stdout.split() == ["sift,colours"], done.stderr


@pytest.mark.parametrize(
    "words", ["run --algo t", "run --algo triplet --preset p", "run --protocol s", "verify "]
)
def test_a_press_of_tab_imports_no_framework(words: str) -> None:
    program = (
        "import atexit, sys\n"
        "heavy = set('torch tensorflow keras cv2 sklearn pandas matplotlib scipy numpy "
        "pydantic'.split())\n"
        "atexit.register(lambda: print('imported:', *sorted(heavy & set(sys.modules)), "
        "file=sys.stderr))\n"
        "sys.argv = ['harness']\n"
        "from harness.cli import main\n"
        "main()\n"
    )
    typed = f"harness {words}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "_HARNESS_COMPLETE": "bash_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split(" ")) - 1),
        },
    )
    assert done.stderr.strip() == "imported:"


def typed_into(shell: list[str], start: str, keys: str, wanted: str, place: Path) -> str:
    """Return what a real shell shows on a terminal after keys, until it shows what is wanted."""
    (place / "harness").write_text(f'#!/bin/sh\nexec {sys.executable} -m harness "$@"\n')
    (place / "harness").chmod(0o755)
    ours, theirs = pty.openpty()
    env = {
        **os.environ,
        "PATH": f"{place}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(place),
        "TERM": "dumb",
        "PS1": "$ ",
    }
    process = subprocess.Popen(
        shell, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=place, close_fds=True
    )
    os.close(theirs)
    shown = b""
    try:
        os.write(ours, f"{start}; echo rea''dy\n".encode())
        for text, awaited in (("", b"ready"), (keys, wanted.encode())):
            os.write(ours, text.encode())
            until = time.monotonic() + 60
            while awaited not in shown and time.monotonic() < until:
                if select.select([ours], [], [], 0.2)[0]:
                    shown += os.read(ours, 4096)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return shown.decode(errors="replace")


SHELLS = {
    "bash": (["bash", "--norc", "-i"], 'eval "$(harness completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit; compinit -u; eval "$(harness completion zsh)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "harness completion fish | source"),
}
"""How each is started without a user's settings, and what docs/install.md says to put into them."""


@pytest.mark.slow
@pytest.mark.parametrize("shell", list(SHELLS))
@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ("harness run --algo tripl\t", "harness run --algo triplet"),
        ("harness leaderb\t", "harness leaderboard"),
        ("harness check --chan\t", "harness check --changed"),
    ],
)
def test_a_press_of_tab_in_a_real_shell_writes_the_rest(
    shell: str, keys: str, wanted: str, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command, start = SHELLS[shell]
    assert wanted in typed_into(command, start, keys, wanted, tmp_path)


def test_the_page_on_installing_switches_completion_on_as_each_shell_is_told() -> None:
    page = PACKAGE.parent / "docs" / "install.md"
    if not page.exists():
        pytest.skip("the documents are in the checkout")
    text = page.read_text(encoding="utf-8")
    for shell, (_, start) in SHELLS.items():
        assert start.rpartition("; ")[2] in text, shell
