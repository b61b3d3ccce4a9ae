"""Is an accelerator there? Asked in a process of its own, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from typing import Any

from harness.errors import absent

CPU = "cpu"
"""Where everything runs unless another device is named."""

TORCH = "torch"

PATIENCE = 120.0
"""Seconds that torch may take to say what it can use."""

_TRY = "import sys, torch; torch.empty(1, device=sys.argv[1])"


@cache
def lacking(device: str) -> str:
    """Return why a device cannot be used here; nothing where it can.

    Parameters
    ----------
    device
        As torch names it, or nothing.
    """
    if device in ("", CPU):
        return ""
    if absent.is_absent(TORCH):
        return f"it needs {absent.lacking([TORCH])}"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _TRY, device],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"torch did not answer in {PATIENCE:.0f} s"
    lines = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else lines[-1] if lines else "torch ended without a word"


def visible_devices(named: str) -> list[str]:
    """Return what a value of ``CUDA_VISIBLE_DEVICES`` names: numbers, or names of cards.

    What follows the first that names none is hidden, as CUDA has it; ``-1`` and Slurm's
    ``NoDevFiles`` name none.

    Parameters
    ----------
    named
        The value.

    Examples
    --------
    >>> visible_devices("3, 0"), visible_devices("GPU-8932f937"), visible_devices("1,-1,0")
    (['3', '0'], ['GPU-8932f937'], ['1'])
    >>> visible_devices(""), visible_devices("NoDevFiles")
    ([], [])
    """
    names = [one.strip() for one in named.split(",")]
    return list(takewhile(lambda one: one not in _NONE, names))


_NONE = ("", "-1", "NoDevFiles")


def device_asked(device: str, parameters: Mapping[str, Any]) -> str:
    """Return the device that matching or an algorithm asks for; nothing for the CPU.

    Parameters
    ----------
    device
        Of matching.
    parameters
        Of the algorithm; one that is called ``device`` names its own.
    """
    own = parameters.get("device", CPU)
    return next((one for one in (device, own) if isinstance(one, str) and one not in ("", CPU)), "")
