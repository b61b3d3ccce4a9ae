"""What a Python session is told: sentences on standard error, with nothing that steers it."""

from __future__ import annotations

import sys

from harness.errors import visible
from harness.reporting.text import plain


def say(sentence: str) -> None:
    """Say a sentence; names in it are untrusted."""
    sys.stderr.write(visible(plain(sentence)) + "\n")
