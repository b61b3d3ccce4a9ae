"""The verb `tag`: tags of images, drawn on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON, PATH, PLUGINS, FiniteRange
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.runs.tagging import Tagging

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@commands.command()
@click.argument("images", nargs=-1, required=True, type=PATH)
@click.option("--algo", "algorithm", default="", help="Name or file: its newest tagging run.")
@click.option("--run", "run_folder", type=RUN, help="Run folder with the fitted model.")
@click.option(
    "--runs", type=PATH, default=Path("runs"), show_default=True, help="Searched by --algo."
)
@click.option("--fold", default="", help="Whose model is asked; the first unless given.")
@click.option("--out", type=PATH, help="Drawn image; for several images a folder.")
@click.option("--top", type=click.IntRange(min=1), default=6, show_default=True)
@click.option(
    "--threshold",
    type=FiniteRange(0, 1),
    default=0.0,
    show_default=True,
    help="Tags with lower scores are not shown.",
)
@PLUGINS
@JSON
@of_runs
def tag(
    images: tuple[Path, ...],
    algorithm: str,
    run_folder: Path | None,
    runs: Path,
    fold: str,
    out: Path | None,
    top: int,
    threshold: float,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Tag IMAGES with a model that a run has fitted, and draw the best tags on them."""
    from harness.plugins.registry import find_algorithm
    from harness.runs.tagging import newest_run, tag_images

    if run_folder is None and not algorithm:
        raise UsageError("say whose tags with --algo NAME or --run RUN")
    targets = _targets(images, out)
    if run_folder is None:
        run_folder = newest_run(runs, find_algorithm(algorithm, plugins).name)
    found = tag_images(
        run_folder,
        images,
        fold=fold,
        algorithm=algorithm,
        plugins=plugins,
        warn=lambda sentence: click.echo(f"note: {sentence}", err=True),
    )
    if as_json:
        rows = [{"image": str(f.image), "tags": f.scores, "failure": f.failure} for f in found]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=True))
    for answer, target in zip(found, targets, strict=True):
        _show(answer, target, top, threshold, quiet=as_json)


def _show(answer: Tagging, target: Path | None, top: int, threshold: float, *, quiet: bool) -> None:
    from harness.reporting.drawing.tags import best_labels, printable

    labels = best_labels(list(answer.scores), list(answer.scores.values()), top, threshold)
    said = ", ".join(label.text for label in labels) or "no tag"
    if answer.failure:
        said = f"the algorithm gave up: {printable(answer.failure)}"
    if not quiet:
        click.echo(f"{printable(str(answer.image))}: {said}")
    if target is None:
        return
    import PIL.Image

    from harness.data.images import decode
    from harness.reporting.drawing.tags import draw_tags

    drawn = PIL.Image.fromarray(draw_tags(decode(answer.image), labels))
    target.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(target, quality=92)
    click.echo(f"wrote {printable(str(target))}", err=True)


def _targets(images: tuple[Path, ...], out: Path | None) -> list[Path | None]:
    """Return where each drawing goes: never over one of the images, never over one another."""
    if out is None:
        return [None] * len(images)
    single = len(images) == 1 and not out.is_dir() and out.suffix
    if single and out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {str(out)!r} should end in {', '.join(SUFFIXES)}, or be a folder")
    if not single and out.is_file():
        raise UsageError(f"--out {str(out)!r} is a file; several images need a folder")
    originals = {image.resolve() for image in images}
    taken: set[Path] = set(originals)
    targets: list[Path | None] = []
    for image in images:
        target = out if single else out / f"{image.stem}-tags.png"
        number = 2
        while not single and target.resolve() in taken:
            target = out / f"{image.stem}-tags-{number}.png"
            number += 1
        if target.resolve() in originals:
            raise UsageError(f"--out {str(out)!r} is one of the images; name another file")
        taken.add(target.resolve())
        targets.append(target)
    return targets
