"""The folder of a validation: page, numbers and criteria, under one list of checksums.

::

    validation.html   the page
    validation.json   the same in numbers, with whole hashes
    criteria.toml     the criteria, byte for byte
    checksums.sha256  of all the above; written last
"""

from __future__ import annotations

from pathlib import Path

from harness.data.whole_files import write_whole
from harness.errors import Unwritable, UsageError, sentence_of
from harness.plugins.places import CHECKSUMS
from harness.record import record
from harness.record.evidence.validated import CRITERIA, FACTS
from harness.runs.validation.judged import JudgedRun
from harness.runs.validation.matrix import Validation
from harness.runs.validation.page import render

PAGE = "validation.html"
FILES = (PAGE, FACTS, CRITERIA, CHECKSUMS, record.ATTESTATION)


def claim(out: Path) -> None:
    """Refuse a place that holds anything but an earlier validation.

    Parameters
    ----------
    out
        Folder; it need not be there.

    Raises
    ------
    UsageError
        If it holds other files, or is none.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder for the validation")
    others = (
        sorted(one.name for one in out.iterdir() if one.name not in FILES) if out.exists() else []
    )
    if others:
        raise UsageError(
            f"--out {out} holds other files ({others[0]}{', ...' * (len(others) > 1)}); name a new "
            "folder for the validation"
        )


def write_folder(out: Path, validation: Validation, main: JudgedRun, criteria: bytes) -> Path:
    """Write a validation into a folder of its own, and seal it.

    Parameters
    ----------
    out
        The folder, as `claim` allows it; made if it is not there.
    validation, main
        As `harness.runs.validation.matrix.validate` returns them.
    criteria
        The bytes of the file of criteria.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UsageError
        As `claim` says.
    Unwritable
        If a file cannot be written.
    """
    claim(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        # Without its seal nothing in the folder is believed.
        (out / CHECKSUMS).unlink(missing_ok=True)
        write_whole(out / CRITERIA, criteria)
        write_whole(out / FACTS, record.text_of(validation))
        write_whole(out / PAGE, render(validation, main))
        record.seal(out)
    except OSError as reason:
        raise Unwritable(f"--out {out} cannot be written: {sentence_of(reason)}") from None
    return out / PAGE
