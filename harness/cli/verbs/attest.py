"""The verb `attest`: sign a folder; and make a key to sign with."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import PATH
from harness.errors import UsageError, visible

PASSPHRASE = "HARNESS_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable


@commands.command()
@click.argument("folder", metavar="RUN", type=RUN, required=False)
@click.option("--key", type=PATH, metavar="FILE", help="Private key: Ed25519, in PEM.")
@click.option(
    "--new-key",
    type=PATH,
    metavar="FILE",
    help="Make a key: FILE, which only you can read, and FILE.pub to publish.",
)
@click.option(
    "--passphrase",
    "ask",
    is_flag=True,
    help=f"Ask for the passphrase of the key; {PASSPHRASE} has it in scripts.",
)
@click.option("--data", type=PATH, help="Where the run's data set lies now, if it was moved.")
@of_runs
def attest(
    folder: Path | None, key: Path | None, new_key: Path | None, ask: bool, data: Path | None
) -> None:
    """Sign a run: its checksums, its numbers, and each of its searches.

    RUN is a run folder, or any other with checksums. The statement goes into its attestation.json:
    in-toto, in a DSSE envelope. `harness verify` checks it, `harness disclose` shows one search.
    """
    from harness.record.evidence.signing import PUBLIC, read_key
    from harness.record.evidence.signing import new_key as make
    from harness.record.record import ATTESTATION
    from harness.runs.attesting import attest as sign

    if new_key is not None:
        if folder is not None or key is not None:
            raise UsageError("--new-key makes a key and signs nothing; sign with --key after that")
        made = make(new_key, _passphrase(ask, confirm=True))
        click.echo(f"{visible(str(new_key))}: private key; keep it to yourself")
        click.echo(f"{visible(str(new_key))}{PUBLIC}: public key {made.public}; publish it")
        return
    if folder is None or key is None:
        raise UsageError("name what is to be signed, and the key: harness attest RUN --key FILE")
    if not folder.is_dir():
        raise UsageError(f"there is no run folder {visible(str(folder))}")
    if key.is_file() and key.stat().st_mode & 0o077:
        click.echo(f"note: others can read {visible(str(key))}; chmod 600 keeps them out", err=True)
    statement = sign(folder, read_key(key, _passphrase(ask)), data)
    about = statement.predicate
    if about.no_pictures:
        click.echo(f"note: no picture is signed: {visible(about.no_pictures)}", err=True)
    click.echo(f"{visible(str(folder / ATTESTATION))}: signed with key {about.key}")


def _passphrase(ask: bool, *, confirm: bool = False) -> str:
    import os

    if not ask:
        return os.environ.get(PASSPHRASE, "")
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
