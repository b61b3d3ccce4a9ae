"""The command `harness` itself, to which the verbs are added."""

from __future__ import annotations

from typing import Any

import click

from harness.errors import RunFailed, UsageError, nearest

SECTIONS: dict[str, dict[str, str]] = {
    "Evaluate": {
        "run": "run algorithms over protocols, a report for each",
        "score": "every number again, or judge scores made elsewhere",
        "verify": "is a run whole, and do its numbers follow?",
        "report": "write the HTML report of a run again",
    },
    "Decide": {
        "compare": "put runs side by side, search by search",
        "gate": "is a run worse than a baseline, beyond the margin?",
        "baseline": "choose what gates compare with; its history",
        "attack": "how far algorithms fall when tattoos are removed",
        "leaderboard": "a static site of many runs",
        "serve": "leaderboard and reports in a browser, followed live",
    },
    "Data": {
        "data": "what is in a set, what is odd, what it can answer",
        "annotate": "draw boxes and name tattoos, in the browser",
        "import": "make a data set of somebody else's files",
        "synth": "make synthetic data",
        "tag": "tag images with the model of a run, and draw the tags",
    },
    "Extend": {
        "list": "algorithms with what they can do, and protocols",
        "describe": "an algorithm, a protocol or a metric in detail",
        "check": "does an algorithm keep to the interface?",
        "new": "a file to start from",
        "export": "scores for other programs, or a model as ONNX",
    },
}
"""Every verb with a line for `harness --help`, by what it is for; a line fits 80 columns."""

EPILOG = """\b
Exit codes: 0 done, 1 a gate found a regression, 2 usage, protocol or data,
3 a run or an algorithm failed, 4 runs that cannot be compared,
5 a gate is inconclusive, 70 a fault of the harness itself, 130 interrupted.
"""


class Verbs(click.Group):
    """The group of commands, which suggests the nearest name for one that does not exist."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs in groups, each with its whole line."""
        for heading, verbs in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(list(verbs.items()), col_max=14)

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
