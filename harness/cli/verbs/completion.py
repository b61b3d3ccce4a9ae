"""The verb `completion`: let Tab complete names in bash, zsh or fish."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import ShellComplete, get_completion_class

from harness.cli.completing import PROGRAM, VARIABLE
from harness.cli.group import commands
from harness.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


HOW = {
    "bash": 'eval "$(harness completion bash)"       # into ~/.bashrc',
    "zsh": 'eval "$(harness completion zsh)"        # into ~/.zshrc, after compinit',
    "fish": "harness completion fish | source        # into ~/.config/fish/config.fish",
}


@commands.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def completion(shell: str | None) -> None:
    """Print the script that lets Tab complete commands, options, names and run folders.

    Without SHELL, that of the environment variable SHELL.
    """
    if shell is None:
        shell = Path(os.environ.get("SHELL", "")).name
        if shell not in SHELLS:
            raise UsageError(f"name your shell: harness completion {'|'.join(SHELLS)}")
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"this version of click completes nothing in {shell}")
    # The general method: that for bash starts another shell to look at its version.
    click.echo(ShellComplete.source(kind(commands, {}, PROGRAM, VARIABLE)))
    click.echo(f"# {HOW[shell]}")
