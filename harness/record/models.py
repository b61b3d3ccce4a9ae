"""What a run's folds learned: each has a model of its own, or shares one with others."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from harness.errors import Damaged
from harness.execution.unit import MODEL
from harness.record.files import is_inside, read_unit


def model_of_fold(folder: Path, fold: str) -> Path | None:
    """Return the folder of the model that a fold of a run went by.

    Parameters
    ----------
    folder
        Of the run.
    fold
        Its name.

    Returns
    -------
    pathlib.Path or None
        None if the run's algorithm learned nothing for it.

    Raises
    ------
    Damaged
        If a file of the fold cannot be read, or the model that it names is not in the folder.
    """
    # Units of streamed folds have another name.
    for name in (f"fold-{fold}", f"templates-fold-{fold}"):
        own = folder / "units" / name / MODEL
        if own.is_dir():
            return own
        unit = read_unit(folder, name)
        if unit is not None and unit.model:
            return _within(folder, name, unit.model)
    return None


def _within(folder: Path, unit: str, shared: str) -> Path:
    # The folder may be a stranger's, and the path lead anywhere.
    plain = f"units/{PurePosixPath(shared).parent.name}/{MODEL}"
    if shared != plain or not is_inside(shared) or not (folder / shared).is_dir():
        raise Damaged(f"{folder}: unit {unit} goes by a model {shared!r}, which is not in it")
    return folder / shared
