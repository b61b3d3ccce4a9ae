"""The command `harness` itself, to which the verbs are added."""

from __future__ import annotations

from typing import Any

import click

from harness.errors import RunFailed, UsageError, nearest

EPILOG = """\b
Exit codes: 0 done, 1 a gate found a regression, 2 usage, protocol or data, 3 a run or an algorithm
failed, 4 runs that cannot be compared, 5 a gate is inconclusive (--strict), 70 a fault of the
harness itself, 130 interrupted.
"""


class Verbs(click.Group):
    """The group of commands, which suggests the nearest name for one that does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UsageError(
                f"there is no command {args[0]!r}.{nearest(args[0], self.commands)} "
                f"Known: {', '.join(self.commands)}"
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out a command; click would let a broken pipe inside of it end with code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as reason:
            raise RunFailed(f"another process has gone that was talked to: {reason}") from reason


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tattoo-harness", message="%(version)s")
def commands() -> None:
    """Evaluate forensic biometric matching: algorithms over protocols, with numbers that stand up.

    With no data at all, this works: harness run --protocol similarity --algo triplet
    """
