"""The verb `verify`: is a folder whole, do its numbers follow, and what does it prove?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs, runs_in
from harness.cli.options import PATH
from harness.errors import some, visible, visible_lines

if TYPE_CHECKING:
    from harness.runs.proving import Proof


@commands.command()
@click.argument("folders", metavar="RUNS", type=RUN, nargs=-1, required=True)
@click.option(
    "--key", type=PATH, metavar="FILE", help="Public key that everything has to be signed with."
)
@of_runs
def verify(folders: tuple[Path, ...], key: Path | None) -> None:
    """Prove that run folders are whole, that their numbers follow from their scores, who signed.

    RUNS are run folders, or folders that hold some; a search of `harness disclose`; or any folder
    with checksums, such as a validation, which is made again from those of its runs that are named
    beside it. Of a whole one it says what kept the algorithm from the truth, what else it
    proves, and what it does not. The exit code is 3 if one is not whole.
    """
    from harness.errors import HarnessError
    from harness.record.evidence.signing import public_key_in
    from harness.runs.proving import Proof, proof_of

    public = "" if key is None else public_key_in(key)
    runs = runs_in(folders)
    whole = True
    for folder in runs:
        try:
            proof = proof_of(folder, public, runs)
        except HarnessError as reason:
            if len(runs) == 1:
                raise
            proof = Proof(folder, "", [str(reason)])
        _say(proof)
        whole = whole and proof.is_whole
    if not whole:
        sys.exit(3)


def _say(proof: Proof) -> None:
    shown = visible(str(proof.folder))
    for fault in proof.faults:
        click.echo(visible_lines(fault))
    if proof.faults:
        faults = some(len(proof.faults), "fault")
        click.echo(f"{shown} is not as it was written: {faults}", err=True)
        return
    click.echo(f"{shown}: {proof.summary}")
    for sentence in proof.facts:
        click.echo(f"  {visible(sentence)}")
    for sentence in proof.proved:
        click.echo(f"  proved: {visible(sentence)}")
    for sentence in proof.open:
        click.echo(f"  not proved: {visible(sentence)}")
