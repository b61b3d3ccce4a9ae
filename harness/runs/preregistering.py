"""Writing down criteria, protocols and data before a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import UsageError, visible
from harness.execution.environment import harness_version
from harness.record.evidence.preregistration import (
    FORMAT,
    Algorithm,
    Criteria,
    Named,
    Preregistration,
    Question,
    bytes_of,
    digest_of,
    parameters_of,
)
from harness.record.manifest import now
from harness.runs.preparing import Opened, Request, judged_by, prepare
from harness.runs.validation.criteria import read_criteria
from harness.tasks.on_data import ProtocolOnData

__all__ = ["preregister"]


def preregister(file: Path, request: Request) -> Preregistration:
    """Return what is written down of criteria and of the runs that they are about.

    Parameters
    ----------
    file
        Of criteria. What its table ``[experiment]`` names is fixed, with the protocols of its rows.
    request
        Where protocols, data and algorithm are found. Its protocols are added.

    Raises
    ------
    UsageError
        With every fault of the criteria, or if protocol, data or algorithm are not to be had.
    DataError
        With every problem of the data set.
    """
    criteria, content = read_criteria(file)
    experiment = criteria.experiment
    rows = [one.protocol for one in criteria.criterion]
    names = [n for n in dict.fromkeys((*request.protocols, experiment.protocol, *rows)) if n]
    if not names:
        raise UsageError(
            f'{visible(str(file))} names no protocol: write protocol = "NAME" into its table '
            "[experiment], or give --protocol NAME"
        )
    asked = replace(request, protocols=tuple(names), seed=experiment.seed)
    algorithm = None
    if experiment.algorithm:
        given = {name: str(value) for name, value in experiment.parameters.items()}
        runs = prepare(replace(asked, algorithms=(experiment.algorithm,), parameters=given))
        judged = [one.judged for one in runs]
        first = runs[0]
        algorithm = Algorithm(
            name=first.origin.algorithm,
            source_sha256=first.entry.source_hash,
            parameters=parameters_of(first.origin),
            weights=first.origin.weight_hashes,
            training_sha256=first.origin.training_hash,
        )
    else:
        opened: Opened = {}
        judged = [judged_by(name, asked, opened) for name in names]
    _check_data(judged, experiment.data, file)
    return Preregistration(
        format=FORMAT,
        criteria=Criteria(file.name, digest_of(content), content.decode("utf-8")),
        questions=[
            Question(
                protocol=Named(one.name, one.protocol_hash),
                data=Named(one.dataset.name, one.data_hash),
                layout_sha256=one.layout_hash,
                images=len(one.names),
            )
            for one in judged
        ],
        algorithm=algorithm,
        seed=experiment.seed,
        harness=harness_version(),
        noted=now(),
    )


def _check_data(judged: Sequence[ProtocolOnData], name: str, file: Path) -> None:
    """Refuse data of another name than the criteria have."""
    for one in judged:
        if name and one.dataset.name != name:
            raise UsageError(
                f"{visible(str(file))} is about data set {visible(name)!r}, and {one.data_path} is "
                f"{visible(one.dataset.name)!r}; name the right one with --data"
            )


def written(file: Path, preregistration: Preregistration) -> str:
    """Write a preregistration into a new file, and return its digest: 64 hexadecimal digits.

    Raises
    ------
    UsageError
        If the file is there already: what was written down before is never written over.
    """
    content = bytes_of(preregistration)
    try:
        with file.open("xb") as place:
            place.write(content)
    except FileExistsError:
        raise UsageError(
            f"{visible(str(file))} is there already; what was written down before is never written "
            "over: name another file with --out"
        ) from None
    return digest_of(content)
