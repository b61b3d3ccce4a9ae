"""The command line: one verb, few flags. Results go to standard output, talk to standard error."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.errors import HarnessError, UsageError, nearest

INTERRUPTED = 130
MISSING_SHOWN = 10
ALL = "all"

EPILOG = """\b
Exit codes: 0 done, 2 usage, protocol or data, 3 a run or an algorithm failed, 130 interrupted.
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


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tattoo-harness", message="%(version)s")
def commands() -> None:
    """Evaluate forensic biometric matching: algorithms over protocols, with numbers that stand up.

    With no data at all, this works: harness run --protocol similarity --algo triplet
    """


PLUGINS = click.option(
    "--plugins",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with further algorithms (.py) and protocols (.toml). Repeatable.",
)
FORENSIC = click.option(
    "--forensic",
    is_flag=False,
    flag_value="logistic",
    default="",
    metavar="[CALIBRATOR]",
    help="Add likelihood ratios to the report; calibrated by logistic (default), pav or kde.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@commands.command()
@click.option("--protocol", "protocols", multiple=True, required=True, help="Name, file or 'all'.")
@click.option("--algo", "algorithms", multiple=True, required=True, help="Name, file or 'all'.")
@click.option("--data", type=click.Path(path_type=Path), help="Data set: a folder or a CSV file.")
@click.option("--layout", help="tatt-c, csv or folders, where it should not be detected.")
@click.option("--fold", "folds", multiple=True, help="Only this fold. Repeatable.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--preset", default="", help="Named set of the algorithm's parameters.")
@click.option("--seed", type=int, help="Of everything random in the algorithm.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes at a time.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Of each worker. Trained bits differ between thread numbers.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=900.0,
    show_default=True,
    help="Seconds without a sign of life after which a worker is stopped.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@FORENSIC
@PLUGINS
@JSON
def run(
    protocols: tuple[str, ...],
    algorithms: tuple[str, ...],
    data: Path | None,
    layout: str | None,
    folds: tuple[str, ...],
    parameters: tuple[str, ...],
    preset: str,
    seed: int | None,
    workers: int | None,
    threads: int,
    timeout: float,
    out: Path,
    forensic: str,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run algorithms over protocols, and write a report for each.

    The same command again does only what is missing.
    """
    from dataclasses import replace

    from harness import registry
    from harness.execution.pool import Limits
    from harness.progress import progress_for
    from harness.run import Request, add_likelihood_ratios, execute, prepare

    request = Request(
        algorithms=tuple(registry.algorithms(plugins)) if ALL in algorithms else algorithms,
        protocols=_every_protocol(plugins, data) if ALL in protocols else protocols,
        data=data,
        layout=layout,
        folds=folds,
        parameters=_assignments(parameters),
        preset=preset,
        seed=seed,
        plugins=plugins,
        out=out,
    )
    limits = Limits(threads=threads, silence=timeout)
    if workers is not None:
        limits = replace(limits, workers=workers)
    prepared = prepare(request)
    finished, failed = [], []
    for one in prepared:
        try:
            with progress_for(one.label) as progress:
                done = execute(one, limits, progress)
            if forensic:
                add_likelihood_ratios(done, forensic)
            finished.append(done)
        except HarnessError as reason:
            failed.append((one, reason))
            click.echo(f"error: {one.label}: {reason}", err=True)
            continue
        _say_what_was_done(finished[-1])
    if as_json:
        click.echo(json.dumps(_run_json(finished, failed), indent=1, ensure_ascii=False))
    else:
        _print_table(finished)
    if failed:
        sys.exit(max(reason.exit_code for _, reason in failed))


@commands.command(name="list")
@PLUGINS
@JSON
def list_all(plugins: tuple[Path, ...], as_json: bool) -> None:
    """List algorithms with what they can do, and protocols with what they ask."""
    from harness import registry
    from harness.protocol import title_of

    sources = registry.describe_sources(registry.algorithms(plugins))
    titles = {name: title_of(file) for name, file in registry.protocols(plugins).items()}
    if as_json:
        table = {
            "algorithms": [
                {
                    "name": plugin.name,
                    "abilities": list(seen.abilities),
                    "learns": seen.learns,
                    "about": seen.about,
                    "file": str(plugin.file),
                }
                for plugin, seen in sources
            ],
            "protocols": [{"name": name, "title": title} for name, title in titles.items()],
        }
        click.echo(json.dumps(table, indent=1, ensure_ascii=False))
        return
    width = max(len(name) for name in [*(p.name for p, _ in sources), *titles])
    click.echo("Algorithms")
    for plugin, seen in sources:
        ability = "+".join(seen.abilities).lower() or "?"
        click.echo(f"  {plugin.name:<{width}}  {ability:<9} {seen.about}")
    click.echo("\nProtocols")
    for name, title in titles.items():
        click.echo(f"  {name:<{width}}  {title}")


@commands.command(name="describe")
@click.argument("name")
@PLUGINS
@JSON
def describe_one(name: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """Show an algorithm's parameters and abilities, or a protocol's rules."""
    from harness import registry

    known = registry.protocols(plugins)
    if name.endswith(".toml") or name in known:
        file = registry.find_protocol(name, plugins)
        from harness.protocol import read_protocol

        protocol, _ = read_protocol(file)
        if as_json:
            click.echo(protocol.model_dump_json(indent=1, by_alias=True))
        else:
            click.echo(f"# {file}\n{file.read_text(encoding='utf-8')}", nl=False)
        return
    try:
        plugin = registry.find_algorithm(name, plugins)
    except UsageError:
        every = [*registry.algorithms(plugins), *known]
        if name in every:
            raise
        raise UsageError(
            f"neither an algorithm nor a protocol is called {name!r}.{nearest(name, every)} "
            "`harness list` shows all."
        ) from None
    from harness.execution.asking import ask

    found = ask(plugin)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    click.echo(f"{plugin.name}: {found.doc}\n")
    click.echo(
        f"abilities  {', '.join(found.abilities)}{'' if found.learns else ' (does not learn)'}"
    )
    click.echo(f"source     {plugin.file}")
    if found.citation:
        click.echo(f"citation   {found.citation}")
    click.echo("\nparameters")
    for parameter in found.parameters:
        limits = f" ({parameter.limits})" if parameter.limits else ""
        click.echo(f"  {parameter.name}: {parameter.type} = {parameter.default!r}{limits}")
        if parameter.meaning:
            click.echo(f"      {parameter.meaning}")
    for preset, values in found.presets.items():
        click.echo(f"\npreset {preset}")
        for key, value in values.items():
            click.echo(f"  {key} = {value!r}")


@commands.command()
@click.argument("name")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--preset", default="", help="Named set of the algorithm's parameters.")
@PLUGINS
def check(name: str, parameters: tuple[str, ...], preset: str, plugins: tuple[Path, ...]) -> None:
    """Check that an algorithm keeps to the interface; exit code 3 if it does not."""
    from harness import registry
    from harness.conformance import examine
    from harness.description import describe

    plugin = registry.find_algorithm(name, plugins)
    algorithm = registry.load(plugin)
    assigned = _assignments(parameters)
    values = describe(algorithm, preset=preset, assignments=assigned).values()
    # What is not asked for is left to the kit, which knows of the preset `check`.
    given = {
        name: value
        for name, value in values.items()
        if name in assigned or name in algorithm.presets.get(preset, {})
    }
    passed = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for finding in examine(algorithm, given, folder=Path(folder)):
            passed, bad = passed + finding.passed, bad + (not finding.passed)
            mark = "ok  " if finding.passed else "FAIL"
            said = f": {finding.message}" if finding.message else ""
            click.echo(f"{mark}  {finding.name}{said}")
    click.echo(f"\n{passed} passed, {bad} failed")
    if bad:
        sys.exit(3)


@commands.group()
def new() -> None:
    """Write a file to start from."""


@new.command(name="algorithm")
@click.argument("name")
@click.option(
    "--ability", type=click.Choice(["matcher", "detector"]), default="matcher", show_default=True
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="this folder",
)
def new_algorithm(name: str, ability: str, folder: Path) -> None:
    """Write a working algorithm file called NAME."""
    from harness.scaffold import write_algorithm

    path = write_algorithm(name, folder, ability="detector" if ability == "detector" else "matcher")
    protocol = "detection" if ability == "detector" else "similarity"
    click.echo(f"wrote {path}")
    click.echo(f"next: harness check {path}")
    click.echo(f"      harness run --protocol {protocol} --algo {path}")


FILE = click.Path(path_type=Path)


@commands.command()
@click.argument("run_folder", metavar="[RUN]", required=False, type=FILE)
@click.option("--candidates", type=FILE, help="Candidate lists: Tatt-C's, or a NIST 1:N log.")
@click.option("--scores", type=FILE, help="Scores of all comparisons: CSV, Parquet, bob, .npy.")
@click.option("--detections", type=FILE, help="Scores of images: image|score, or CSV.")
@click.option("--mated", type=FILE, help="Scores of mated comparisons, one a line.")
@click.option("--nonmated", type=FILE, help="Scores of non-mated comparisons, one a line.")
@click.option("--format", "form", help="Of the file; else told from the content.")
@click.option("--name", help="Under which the run is listed; that of the file unless given.")
@click.option("--protocol", help="Name or file: what the scores answer.")
@click.option("--data", type=FILE, help="Data set: a folder or a CSV file.")
@click.option("--layout", help="tatt-c, csv or folders, where it should not be detected.")
@click.option("--fold", "folds", multiple=True, help="Only this fold. Repeatable.")
@click.option("--out", type=FILE, default=Path("runs"), show_default=True)
@FORENSIC
@PLUGINS
def score(
    run_folder: Path | None,
    mated: Path | None,
    nonmated: Path | None,
    form: str | None,
    name: str | None,
    protocol: str | None,
    data: Path | None,
    layout: str | None,
    folds: tuple[str, ...],
    out: Path,
    forensic: str,
    plugins: tuple[Path, ...],
    **files: Path | None,
) -> None:
    """Compute every number from scores: those of a RUN again, or those of somebody else's files.

    With a file, its scores are judged by a protocol and kept as a run of their own.
    """
    given = {kind: path for kind, path in files.items() if path is not None}
    lists = mated is not None or nonmated is not None
    if (run_folder is not None) + len(given) + lists != 1:
        raise UsageError(
            "name one thing to score: a run folder, --candidates, --scores, --detections, or "
            "--mated with --nonmated"
        )
    if run_folder is not None:
        _score_again(run_folder, forensic)
    elif lists:
        _score_lists(mated, nonmated)
    else:
        if protocol is None:
            raise UsageError("say with --protocol which question the scores answer")
        from harness.importing import bring
        from harness.run import Request, score_again

        ((kind, path),) = given.items()
        request = Request((), (protocol,), data, layout, folds, plugins=plugins, out=out)
        brought = bring(request, kind, path, form=form, name=name)
        if forensic:
            score_again(brought.folder, forensic)
        for note in brought.imported.notes:
            click.echo(f"note: {note}", err=True)
        for fold, probe in brought.imported.missing[:MISSING_SHOWN]:
            click.echo(f"missing: {probe} (fold {fold}) counts as a miss", err=True)
        more = len(brought.imported.missing) - MISSING_SHOWN
        if more > 0:
            click.echo(f"missing: and {more} more; all are in the manifest", err=True)
        _print_metrics(
            brought.manifest.origin.protocol, brought.manifest.origin.algorithm, brought.outcome
        )
        click.echo(f"report  {brought.folder / 'report.html'}")


def _score_again(folder: Path, forensic: str) -> None:
    from harness.run import score_again

    run, outcome, same = score_again(folder, forensic)
    click.echo(f"the metrics {'are the same as before' if same else 'have changed'}", err=True)
    _print_metrics(run.manifest.origin.protocol, run.manifest.origin.algorithm, outcome)
    click.echo(f"report  {folder / 'report.html'}")


def _score_lists(mated: Path | None, nonmated: Path | None) -> None:
    from harness.scorefiles import judge_score_lists, pyeer_eer, read_score_lists

    if mated is None or nonmated is None:
        raise UsageError("--mated and --nonmated belong together")
    lists = read_score_lists(mated, nonmated)
    _print_metrics("scores", f"{mated.name} and {nonmated.name}", judge_score_lists(lists))
    other = pyeer_eer(lists)
    click.echo(
        f"   {other.program}: eer {other.value:.4f}"
        if other.value is not None
        else f"   {other.program}: {other.reason}"
    )


@commands.command()
@click.argument("folder", type=FILE)
@click.option("--format", "form", required=True, help="tatt-c, nist, csv, parquet, bob-4, ...")
@click.option("--out", type=FILE, required=True, help="Folder to write to.")
def export(folder: Path, form: str, out: Path) -> None:
    """Write the scores of a run in a format that other programs read."""
    from harness import record
    from harness.scorefiles import export_scores

    record.check_sources(folder)
    finished = record.read_run(folder)
    for path in export_scores(out, finished.folds, finished.answers, form):
        click.echo(path)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Write the HTML report of a run again."""
    from harness.run import score_again

    score_again(folder)
    click.echo(folder / "report.html")


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
def verify(folder: Path) -> None:
    """Prove that a run folder is whole and that its numbers follow from its scores."""
    from harness import record

    if not folder.is_dir():
        raise UsageError(f"there is no run folder {folder}")
    found = record.faults(folder)
    for fault in found:
        click.echo(fault)
    if found:
        click.echo(f"{folder} is not as it was written: {len(found)} faults", err=True)
        sys.exit(3)
    click.echo(f"{folder}: whole, and its numbers follow from its scores")


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--scale",
    type=click.Choice(["mini", "full"]),
    default="mini",
    show_default=True,
    help="About a fifth of Tatt-C's counts, or exactly them.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
def synth(folder: Path, scale: str, seed: int, workers: int) -> None:
    """Draw a synthetic Tatt-C-style data set into FOLDER, which must be new or empty."""
    from harness.synthesis import write_dataset

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder")
    last = [""]

    def say(what: str, done: int, total: int) -> None:
        if what != last[0] or done == total:
            click.echo(f"{what}: {done} of {total}", err=True)
            last[0] = what

    write_dataset(
        folder,
        scale="full" if scale == "full" else "mini",
        seed=seed,
        workers=workers,
        report=say,
    )
    click.echo(f"wrote {folder}")
    click.echo(f"next: harness run --protocol similarity --algo triplet --data {folder}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every expected error is a message and an exit code."""
    try:
        commands.main(args=arguments, standalone_mode=False)
    except HarnessError as reason:
        click.echo(f"error: {reason}", err=True)
        sys.exit(reason.exit_code)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as reason:
        reason.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; the same command goes on from here", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone (`harness list | head`); nothing is wrong with us.
        sys.stderr.close()
        sys.exit(0)


def _every_protocol(plugins: tuple[Path, ...], data: Path | None) -> tuple[str, ...]:
    """Name all protocols, but for those whose images the user has not brought."""
    from harness.protocol import read_protocol
    from harness.registry import protocols

    files = protocols(plugins)
    left_out = [
        name
        for name, file in files.items()
        if data is None and not read_protocol(file)[0].data.default
    ]
    if left_out:
        click.echo(f"left out, since they need --data: {', '.join(left_out)}", err=True)
    return tuple(name for name in files if name not in left_out)


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"--param {text!r} should read NAME=VALUE")
        found[name.strip()] = value
    return found


def _say_what_was_done(finished: Any) -> None:
    label = finished.prepared.label
    if not finished.done and finished.kept == ("everything",):
        text = "already done; nothing was recomputed"
    else:
        text = f"done in {finished.seconds:.1f} s"
        if finished.kept:
            text += f"; kept from before: {', '.join(finished.kept)}"
        if finished.manifest.failures:
            text += f"; {finished.manifest.failures} images could not be used"
    click.echo(f"{label}: {text}", err=True)


def _print_table(finished: Sequence[Any]) -> None:
    for one in finished:
        _print_metrics(one.prepared.judged.name, one.prepared.entry.plugin.name, one.outcome)
        click.echo(f"report  {one.prepared.folder / 'report.html'}\n")


def _print_metrics(protocol: str, algorithm: str, outcome: Any) -> None:
    metrics = outcome.metrics
    counts = metrics.counts
    shown = [f"{counts[what]} {what}" for what in ("searches", "identities") if what in counts]
    if "searches" not in counts and "images" in counts:
        shown.insert(0, f"{counts['images']} images")
    if "folds" in counts:
        shown.append(f"{counts['folds']} {'fold' if counts['folds'] == 1 else 'folds'}")
    click.echo(f"{protocol} / {algorithm}: {', '.join(shown) or 'scores without names'}")
    width = max(len(name) for name in metrics.pooled)
    for name, estimate in metrics.pooled.items():
        mark = "*" if name == metrics.headline else " "
        value = "no data" if estimate.value is None else f"{estimate.value:.4f}"
        interval = ""
        if estimate.low is not None and estimate.high is not None:
            interval = f"[{estimate.low:.4f}, {estimate.high:.4f}]"
        chance = "" if estimate.chance is None else f"chance {estimate.chance:.4f}"
        flags = f"  ({'; '.join(estimate.flags)})" if estimate.flags else ""
        click.echo(
            f" {mark} {name:<{width}}  {value:>7}  {interval:<17} {chance:<13}{flags}".rstrip()
        )


def _run_json(finished: Sequence[Any], failed: Sequence[Any]) -> dict[str, Any]:
    import msgspec

    return {
        "runs": [
            {
                "protocol": one.prepared.judged.name,
                "algorithm": one.prepared.entry.plugin.name,
                "identity": one.prepared.identity,
                "folder": str(one.prepared.folder),
                "seconds": round(one.seconds, 3),
                "done": list(one.done),
                "kept": list(one.kept),
                "metrics": msgspec.to_builtins(one.outcome.metrics),
            }
            for one in finished
        ],
        "failed": [
            {
                "protocol": one.judged.name,
                "algorithm": one.entry.plugin.name,
                "error": str(reason),
            }
            for one, reason in failed
        ],
    }


if __name__ == "__main__":
    main()
