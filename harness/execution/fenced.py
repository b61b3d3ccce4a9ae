"""Starting a module of the harness in its fence, and ending it with all that it started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO

from harness.execution import fence
from harness.execution.fence import Fence, Rules
from harness.execution.nursery import Born, Nursery


@dataclass
class Fenced:
    """A process in its fence, and the line to those who stand outside beside it."""

    process: subprocess.Popen[bytes] | Born
    _line: socket.socket | None
    _fence: Fence | None = field(default=None)

    @property
    def fence(self) -> Fence:
        """What held; waits for the process to have put it up."""
        if self._fence is None:
            self._fence = self._heard(60)
        return self._fence

    def end(self) -> None:
        """End the process and all that it started; may be called again."""
        if self._fence is None:
            self._fence = self._heard(0)
        if self._line is not None:
            self._line.close()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        if self.process.returncode is None:
            if isinstance(self.process, Born):
                self.process.kill_group()
            else:
                # Not waited for, so that its number is still its own.
                with suppress(OSError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _heard(self, patience: float) -> Fence:
        if self._line is None:
            return Fence(missing=(f"a fence (none is known here for {sys.platform})",))
        text = b""
        with suppress(OSError):
            self._line.settimeout(patience)
            while not text.endswith(b"\n"):
                part = self._line.recv(4096)
                if not part:
                    break
                text += part
        try:
            facts = json.loads(text)
        except ValueError:
            return Fence(missing=("a fence (its process ended before it stood)",))
        return Fence(**{**facts, "missing": tuple(facts["missing"])})


def start(
    module: str,
    arguments: Sequence[str],
    rules: Rules,
    *,
    environment: Mapping[str, str],
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
    nursery: Nursery | None = None,
) -> Fenced:
    """Start a module as ``python -m`` would, in a fence.

    Parameters
    ----------
    module, arguments
        What is started.
    environment
        Of the process; see `surroundings`.
    stdin, stdout, stderr, pass_fds
        As for `subprocess.Popen`.
    nursery
        That forks it, where that can be done; it reads nothing then.

    Returns
    -------
    Fenced
        Its process ends with the exit code or by the signal of the module's. It ends, with all that
        it started, when `Fenced.end` is called and when this process ends, in whatever way.
    """
    python = [sys.executable, "-P", "-m"]
    if sys.platform != "linux":
        process = subprocess.Popen(
            [*python, module, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment),
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        return Fenced(process, None)
    ours, theirs = socket.socketpair()
    born = None
    with theirs:
        words = [str(theirs.fileno()), module, *arguments]
        if nursery is not None and isinstance(stdout, int) and isinstance(stderr, int):
            given = (*pass_fds, theirs.fileno())
            born = nursery.start(words, environment, (stdout, stderr), given)
        process = born or subprocess.Popen(
            [*python, fence.__name__, *words],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment),
            pass_fds=(*pass_fds, theirs.fileno()),
            # Ctrl-C reaches the harness alone, which then ends its workers in order.
            start_new_session=True,
        )
    with suppress(OSError):
        ours.sendall(json.dumps(asdict(rules)).encode() + b"\n")
    return Fenced(process, ours)


def surroundings(scratch: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables that make programs keep their own files in a scratch folder.

    Parameters
    ----------
    scratch
        Existing folder.
    environment
        The environment as it is.
    """
    home = environment.get("HOME", "")
    cache = environment.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")  # noqa: PTH118
    places = {
        "HOME": "",
        "TMPDIR": "tmp",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "MPLCONFIGDIR": "matplotlib",
        "NUMBA_CACHE_DIR": "numba",
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
        "TRITON_CACHE_DIR": "triton",
        "CUDA_CACHE_PATH": "cuda",
        "KERAS_HOME": "keras",
        "JOBLIB_TEMP_FOLDER": "tmp",
    }
    # What libraries keep there already, weights above all, stays where it is and can be read.
    drawn = environment.get("MPLCONFIGDIR") or os.path.join(cache, "matplotlib")  # noqa: PTH118
    if os.path.isdir(drawn):  # noqa: PTH112
        del places["MPLCONFIGDIR"]  # a list of fonts takes seconds to make
    kept = {
        "MPLCONFIGDIR": drawn,
        "TORCH_HOME": os.path.join(cache, "torch"),  # noqa: PTH118
        "HF_HOME": os.path.join(cache, "huggingface"),  # noqa: PTH118
        "PYTHONUSERBASE": os.path.join(home, ".local"),  # noqa: PTH118
    }
    for folder in places.values():
        os.makedirs(os.path.join(scratch, folder), exist_ok=True)  # noqa: PTH103, PTH118
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    own = {
        name: os.path.join(scratch, folder).rstrip("/")  # noqa: PTH118
        for name, folder in places.items()
    }
    return {
        **environment,
        **offline,
        **{n: environment.get(n) or p for n, p in kept.items()},
        **own,
    }


def weights_places(environment: Mapping[str, str]) -> list[str]:
    """Return the folders from which libraries load weights, and lists of fonts, by themselves."""
    names = ("TORCH_HOME", "HF_HOME", "MPLCONFIGDIR")
    return [environment[name] for name in names if environment.get(name)]
