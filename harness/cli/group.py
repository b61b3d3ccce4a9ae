"""The command `harness` itself, to which the verbs are added."""

from __future__ import annotations

from typing import Any

import click

from harness.errors import RunFailed, UsageError, nearest

SECTIONS: dict[str, dict[str, str]] = {
    "Evaluate": {
        "run": "run algorithms over protocols, a report for each",
        "status": "how far are runs, where, and when will they end?",
        "match": "judge embeddings made elsewhere, at any size",
        "score": "every number again, or judge scores made elsewhere",
        "verify": "is a run whole, do its numbers follow, who signed it?",
        "checks": "what makes numbers mean less than they seem to?",
        "report": "write the HTML report of a run again",
    },
    "Prove": {
        "preregister": "write criteria, protocol and data down before a run",
        "attest": "sign a run, and each of its searches",
        "disclose": "show one search of a signed run, with its proof",
    },
    "Decide": {
        "compare": "put runs side by side, search by search",
        "gate": "is a run worse than a baseline, beyond the margin?",
        "baseline": "choose what gates compare with; its history",
        "differentials": "errors by group of people and by age of captures",
        "validate": "does a method keep to criteria set beforehand?",
        "scale": "a run's rates in smaller galleries than its own",
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
        "list": "algorithms, protocols, metrics, layouts, ...",
        "describe": "an algorithm, a protocol or a metric in detail",
        "check": "does an algorithm keep to the interface?",
        "new": "an algorithm, protocol or generator to start from",
        "export": "tables, scores or the model of a run for other programs",
        "completion": "let Tab complete names in bash, zsh or fish",
    },
}
"""Every verb with a line for `harness --help`, by what it is for; a line fits 80 columns."""

EPILOG = """\b
Exit codes: 0 done, 1 a gate found a regression, a validation failed or a
check fired that --fail-on names, 2 usage, protocol or data, 3 a run or an
algorithm failed, 4 runs that cannot be compared, 5 the data cannot decide,
70 a fault of the harness itself, 130 interrupted.
"""


LONGEST = 500
"""Characters of a command's first sentence: all of them."""

MEANT = {
    "attack": "That is: harness compare --attack RUNS, some made with run --attack",
    "open": "A report is opened by: harness report RUN --open",
    "show": "A report is opened by: harness report RUN --open",
    "view": "A report is opened by: harness report RUN --open",
    "eval": "That is: harness run",
    "evaluate": "That is: harness run",
    "test": "That is: harness run; for the interface of an algorithm: harness check",
    "progress": "That is: harness status RUNS",
    "ps": "That is: harness status RUNS",
    "sign": "That is: harness attest RUN --key FILE",
    "keygen": "That is: harness attest --new-key FILE",
    "init": "That is: harness new algorithm NAME",
    "create": "That is: harness new algorithm NAME",
    "info": "That is: harness describe NAME, or harness data DIR",
    "stats": "That is: harness data DIR",
    "diff": "That is: harness compare RUN RUN",
    "board": "That is: harness leaderboard RUNS",
}
"""What is typed for a verb that has another name."""


class Verbs(click.Group):
    """A group of commands, which suggests the nearest name for one that does not exist."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            if ctx.resilient_parsing:
                return None, None, []
            known = [one for one, command in self.commands.items() if not command.hidden]
            meant = self.meant(name)
            raise UsageError(
                f"there is no command {' '.join([*ctx.command_path.split()[1:], name])!r}."
                f"{f' {meant}.' if meant else nearest(name, known)} Known: {', '.join(known)}"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with its whole first sentence: click would cut it short."""
        shown = [(name, one) for name, one in self.commands.items() if not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(limit=LONGEST)) for name, one in shown]
            )

    def meant(self, name: str) -> str:
        """Return a sentence on what is typed under another name, or nothing."""
        return ""


class Harness(Verbs):
    """The verbs of `harness` itself."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs in groups, each with its whole line."""
        for heading, verbs in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(list(verbs.items()), col_max=14)

    def meant(self, name: str) -> str:
        """Return which verb does what this name says."""
        return MEANT.get(name, "")

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out a command; click would let a broken pipe inside of it end with code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as reason:
            raise RunFailed(f"another process has gone that was talked to: {reason}") from reason


@click.group(cls=Harness, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tattoo-harness", message="%(version)s")
def commands() -> None:
    """Evaluate forensic biometric matching: algorithms over protocols, with numbers that stand up.

    With no data at all, this works: harness run --protocol similarity --algo triplet
    """
