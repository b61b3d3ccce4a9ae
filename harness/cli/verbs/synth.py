"""The verb `synth`: synthetic data, in the Tatt-C layout or as identities from a generator."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.group import commands
from harness.cli.options import PATH, PLUGINS, assignments
from harness.errors import UsageError, some

if TYPE_CHECKING:
    from harness.synthesis.grammar import Prompt
    from harness.synthesis.recipe import Recipe

COUNT = click.IntRange(min=1)
FEW, ESTIMATE_AFTER = 40, 10.0
"""Pictures, or seconds of work, after which it is said how long the rest will take."""


@commands.command()
@click.argument("folder", type=PATH)
@click.option(
    "--scale",
    metavar="[mini|full|bivtatt]",
    help="Tatt-C's use cases, with about a fifth of its counts (the default) or exactly them; "
    "or BIVTatt's layout and counts. Or a layout of the generator named.",
)
@click.option("--recipe", help="Identities instead: a recipe's name (aigtatt, captures) or file.")
@click.option(
    "--generator", help="What makes the pictures: procedural, diffusion, or a .py file or folder."
)
@click.option("--identities", type=COUNT, help="Tattoos.")
@click.option("--images", type=COUNT, help="Of each tattoo: its captures and their variations.")
@click.option("--captures", type=COUNT, help="Pictures of each tattoo; the rest are variations.")
@click.option("--size", type=COUNT, help="Longer side of the images, in pixels.")
@click.option(
    "--descriptions", type=COUNT, help="Of each tattoo, by as many witnesses, as text files."
)
@click.option("--pairs", is_flag=True, help="Masks too, and every image without its tattoo.")
@click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Of the generator."
)
@click.option("--prompts", type=PATH, help="prompts.csv of another set, instead of the grammar.")
@click.option("--prompt-model", help="Language model that writes the prompts.")
@click.option(
    "--prompt-url",
    default=lambda: os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
    show_default="OPENAI_BASE_URL, or https://api.openai.com/v1",
    help="OpenAI-compatible address of that model; its key is taken from OPENAI_API_KEY.",
)
@click.option("--prompt-key-file", type=PATH, help="File with its key, instead.")
@click.option("--seed", type=click.IntRange(min=0), help="Of everything random; 0 unless given.")
@click.option(
    "--workers",
    type=COUNT,
    show_default="as many as there are cores",
    help="Processes; the pictures do not depend on it.",
)
@PLUGINS
def synth(
    folder: Path,
    scale: str | None,
    recipe: str | None,
    generator: str | None,
    identities: int | None,
    images: int | None,
    captures: int | None,
    size: int | None,
    descriptions: int | None,
    pairs: bool,
    parameters: tuple[str, ...],
    prompts: Path | None,
    prompt_model: str | None,
    prompt_url: str,
    prompt_key_file: Path | None,
    seed: int | None,
    workers: int | None,
    plugins: tuple[Path, ...],
) -> None:
    """Make synthetic data in FOLDER.

    With --scale (or nothing) these are Tatt-C's use cases, drawn by the built-in world, or what
    else a generator draws as a whole. With any of the other options it is a folder per tattoo:
    prompts, a picture of each by a generator, and variations of it, such as: harness synth DIR
    --identities 250 --images 21

    A set that was interrupted goes on where it was, by the same command.
    """
    numbers = {
        "generator": generator,
        "identities": identities,
        "images": images,
        "captures": captures,
        "size": size,
        "descriptions": descriptions,
    }
    given = {name: value for name, value in numbers.items() if value is not None}
    others = [name for name in given if name != "generator"]
    of_identities = bool(others or recipe or pairs or prompts or prompt_model)
    if scale is not None and of_identities:
        raise UsageError(
            "--scale is of fixed layouts; the other options, but for --generator and --param, are "
            "of identities"
        )
    if scale is not None or not (of_identities or generator or parameters):
        values = assignments(parameters)
        _draw_layout(folder, scale or "mini", generator, values, seed or 0, plugins, workers)
        return
    if prompts is not None and prompt_model is not None:
        raise UsageError("--prompts and --prompt-model exclude each other")
    changes: dict[str, object] = {**given, "parameters": assignments(parameters)}
    if seed is not None:
        changes["seed"] = seed
    if pairs:
        changes["pairs"] = True
    chosen = _recipe(recipe, changes, plugins)
    wanted: list[Prompt] | None = None
    if prompts is not None:
        wanted = _read(prompts)
    elif prompt_model is not None:
        wanted = _asked(folder, chosen, prompt_model, prompt_url, prompt_key_file)
    _make_identities(folder, chosen, wanted, plugins, workers)


def _draw_layout(
    folder: Path,
    layout: str,
    generator: str | None,
    parameters: dict[str, str],
    seed: int,
    plugins: tuple[Path, ...],
    workers: int | None,
) -> None:
    from harness.data.readers.layouts import detect
    from harness.synthesis.recipe import Recipe
    from harness.synthesis.whole_sets import draw_whole_set

    with _Drawing(folder, "pictures") as say:
        drawn = draw_whole_set(
            folder,
            layout,
            generator=Recipe().generator if generator is None else generator,
            parameters=parameters,
            seed=seed,
            plugins=plugins,
            workers=workers,
            report=say,
        )
    if not drawn:
        click.echo(f"{folder}: already there; nothing was drawn again", err=True)
    click.echo(f"wrote {folder}")
    # What takes seconds and has an answer: on other use cases of Tatt-C `sift` is asked more.
    protocol = {"tatt-c": "mixed-media", "bivtatt": "bivtatt-closed-set"}.get(detect(folder), "")
    command = f"harness run --protocol {protocol} --algo sift --data {folder}" if protocol else ""
    _say_next(folder, command)


def _say_next(folder: Path, command: str) -> None:
    click.echo(f"next: harness data {folder}")
    if command:
        click.echo(f"      {command}")


class _Drawing:
    """Says how far a set is, and how long it will take by what was done so far."""

    def __init__(self, folder: Path, what: str) -> None:
        from harness.cli.streams import steering
        from harness.verbs.progress import progress_for

        self._what = what
        self._bars = progress_for(f"synth {folder}", steering(sys.stderr))
        self._started = time.monotonic()
        self._before: int | None = None
        self._first = 0.0
        self._bunch = 0
        self._told = False

    def __enter__(self) -> _Drawing:
        self._bars.__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        self._bars.__exit__(*ended)

    def __call__(self, done: int, total: int) -> None:
        """Take note of what is done; the first call is before anything is."""
        from harness.execution.doing import Event
        from harness.reporting.wording import duration

        passed = time.monotonic() - self._started
        if self._before is None:
            self._before = done
            kept = f", {done:,} of them there already" if done else ""
            click.echo(f"{total:,} {self._what} to make{kept}", err=True)
        made, note = done - self._before, ""
        if made and not self._bunch:
            self._first, self._bunch = passed, made  # which includes that processes begin
        # A few pictures tell nothing yet: they come in bunches.
        timed = made - self._bunch
        if timed > 0 and (made > FEW or passed - self._first > ESTIMATE_AFTER):
            left = (passed - self._first) / timed * (total - done)
            note = f"about {duration(max(10, round(left)))} left"
        if note and not self._told and done < total:
            self._told = True
            click.echo(f"{done:,} of {total:,} {self._what}: {note}", err=True)
        self._bars(Event(self._what, "made", done, total, note))
        if done == total:
            click.echo(f"{total:,} {self._what} in {duration(passed)}", err=True)


def _recipe(name: str | None, changes: dict[str, object], plugins: tuple[Path, ...]) -> Recipe:
    import msgspec

    from harness.synthesis.finding import find_recipe
    from harness.synthesis.recipe import Recipe

    found = Recipe() if name is None else find_recipe(name, plugins)
    changed = {**msgspec.to_builtins(found), **changes}
    if changes.get("generator") in (None, found.generator):
        changed["parameters"] = {**found.parameters, **changed["parameters"]}
    try:
        return msgspec.convert(changed, Recipe)
    except msgspec.ValidationError as fault:
        raise UsageError(str(fault)) from None


def _read(file: Path) -> list[Prompt]:
    from harness.synthesis.pipeline import read_prompts

    return read_prompts(file)


def _asked(
    folder: Path, recipe: Recipe, model: str, url: str, key_file: Path | None
) -> list[Prompt]:
    """Return a language model's prompts: those of an interrupted call, or new ones."""
    from harness.synthesis.chat import Endpoint, ask_for_prompts

    kept = folder / "prompts.csv"
    if kept.exists():
        return _read(kept)
    key = os.environ.get("OPENAI_API_KEY", "")
    if key_file is not None:
        try:
            key = key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise UsageError(f"the key file {key_file} cannot be read: {fault}") from None
    return ask_for_prompts(
        Endpoint(url, model, key),
        recipe.prompts,
        recipe.identities,
        recipe.seed,
        lambda there: click.echo(f"prompts: {there} of {recipe.identities}", err=True),
    )


def _make_identities(
    folder: Path,
    recipe: Recipe,
    prompts: list[Prompt] | None,
    plugins: tuple[Path, ...],
    workers: int | None,
) -> None:
    from harness.synthesis.pipeline import write_identities

    with _Drawing(folder, "identities") as say:
        number = write_identities(
            folder, recipe, prompts=prompts, plugins=plugins, workers=workers, say=say
        )
    click.echo(
        f"{folder}: {some(recipe.identities, 'identity', 'identities')}, {some(number, 'image')}"
    )
    if recipe.descriptions:
        _say_next(folder, f"harness run --protocol description --algo hog-words --data {folder}")
    elif recipe.captures > 1:
        _say_next(folder, f"harness run --protocol identification --algo sift --data {folder}")
    else:
        # Finding a variation of the very photograph answers nothing; learning from it may.
        _say_next(folder, f"harness run --protocol similarity --algo triplet --train-data {folder}")
