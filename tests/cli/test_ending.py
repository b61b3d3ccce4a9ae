"""Whatever goes wrong, a command ends with a sentence and a code; 1 is for a gate alone."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from harness.cli import ending
from harness.cli.verbs import commands
from harness.errors import DataError, NotComparable
from harness.record.files import sound


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Let a command raise something; return the exit code."""

    def code(reason: BaseException) -> int:
        def callback() -> Any:
            raise reason

        command = click.Command("fails", callback=callback)
        monkeypatch.setitem(commands.commands, "fails", command)
        return ending.carried_out(["fails"])

    return code


@pytest.mark.parametrize(
    ("reason", "code", "said"),
    [
        (DataError("no image"), 2, "error: no image"),
        (NotComparable("other data"), 4, "error: other data"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 3, "not enough memory"),
        (ImportError("libx.so: failed to map segment from shared object"), 3, "to load a library"),
        (ImportError("libx.so: Cannot allocate memory"), 3, "not enough memory to load"),
        (OSError(errno.ENOSPC, "No space left", "runs/a"), 3, "runs/a: No space left; make room"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 3, "that you may write to"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "f"), 3, "is a file"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 3, "another process has gone"),
        (ZeroDivisionError("division by zero"), 70, "a fault of the harness"),
        (RecursionError("too deep"), 70, "Traceback"),
        (UnicodeEncodeError("ascii", "x", 0, 1, "no"), 70, "a fault of the harness"),
        (SystemExit(5), 5, ""),
        (SystemExit(None), 0, ""),
        (SystemExit("words"), 70, ""),
    ],
)
def test_every_end_has_its_code_and_its_sentence(
    ends: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
    reason: BaseException,
    code: int,
    said: str,
) -> None:
    assert ends(reason) == code
    assert said in capsys.readouterr().err


def test_a_broken_installation_does_not_look_like_a_regression() -> None:
    program = (
        "import sys; sys.modules['click'] = None\nfrom harness.cli import main\nmain(['gate'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 70
    assert b"ModuleNotFoundError" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no `ulimit -v`")
@pytest.mark.parametrize("megabytes", [100, 200, 600])
@pytest.mark.parametrize("verb", ["gate", "list"])
def test_a_limit_that_no_library_fits_into_is_named_and_nothing_hangs(
    megabytes: int, verb: str
) -> None:
    command = f"ulimit -v {megabytes * 1000}; exec {sys.executable} -m harness {verb}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: this process may use {megabytes * 1.024:,.0f} MB of address")


def test_a_library_that_cannot_be_loaded_is_no_fault_of_a_run_folder() -> None:
    with pytest.raises(ImportError, match="map segment"), sound("run", "nothing can be computed"):
        raise ImportError("x.so: failed to map segment from shared object")
