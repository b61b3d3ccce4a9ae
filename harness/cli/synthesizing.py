"""The verb `synth`: synthetic data, in the Tatt-C layout or as identities from a generator."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from harness.cli.group import commands
from harness.cli.options import PATH, PLUGINS, assignments
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.generation.grammar import Prompt
    from harness.generation.recipe import Recipe

COUNT = click.IntRange(min=1)


@commands.command()
@click.argument("folder", type=PATH)
@click.option(
    "--scale",
    type=click.Choice(["mini", "full", "bivtatt"]),
    help="Tatt-C's use cases, with about a fifth of its counts (the default) or exactly them; "
    "or BIVTatt's layout and counts.",
)
@click.option("--recipe", help="Identities instead: a recipe's name (aigtatt, captures) or file.")
@click.option("--generator", help="What makes the pictures: procedural, diffusion, or a .py file.")
@click.option("--identities", type=COUNT, help="Tattoos.")
@click.option("--images", type=COUNT, help="Of each tattoo: its captures and their variations.")
@click.option("--captures", type=COUNT, help="Pictures of each tattoo; the rest are variations.")
@click.option("--size", type=COUNT, help="Longer side of the images, in pixels.")
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
@click.option("--workers", type=COUNT, default=1, show_default=True)
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
    pairs: bool,
    parameters: tuple[str, ...],
    prompts: Path | None,
    prompt_model: str | None,
    prompt_url: str,
    prompt_key_file: Path | None,
    seed: int | None,
    workers: int,
    plugins: tuple[Path, ...],
) -> None:
    """Make synthetic data in FOLDER.

    With --scale (or nothing) these are Tatt-C's use cases, drawn by the built-in world. With any of
    the other options it is a folder per tattoo: prompts, a picture of each by a generator, and
    variations of it, such as: harness synth DIR --identities 250 --images 21

    Such a set goes on where it was when it was interrupted.
    """
    numbers = {
        "generator": generator,
        "identities": identities,
        "images": images,
        "captures": captures,
        "size": size,
    }
    given = {name: value for name, value in numbers.items() if value is not None}
    if not (given or recipe or pairs or parameters or prompts or prompt_model):
        _draw_use_cases(folder, scale or "mini", seed or 0, workers)
        return
    if scale is not None:
        raise UsageError("--scale is of fixed layouts; the other options are of identities")
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


def _draw_use_cases(folder: Path, scale: str, seed: int, workers: int) -> None:
    from harness.synthesis import write_dataset
    from harness.synthesis.bivtatt import write_bivtatt

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder")
    last = [""]

    def say(what: str, done: int, total: int) -> None:
        if what != last[0] or done == total:
            click.echo(f"{what}: {done} of {total}", err=True)
            last[0] = what

    if scale == "bivtatt":
        write_bivtatt(folder, seed=seed, report=say)
        next_up = "--protocol bivtatt-closed-set --algo sift"
    else:
        size: Literal["mini", "full"] = "full" if scale == "full" else "mini"
        write_dataset(folder, scale=size, seed=seed, workers=workers, report=say)
        next_up = "--protocol similarity --algo triplet"
    click.echo(f"wrote {folder}")
    click.echo(f"next: harness run {next_up} --data {folder}")


def _recipe(name: str | None, changes: dict[str, object], plugins: tuple[Path, ...]) -> Recipe:
    import msgspec

    from harness.errors import nearest
    from harness.generation.finding import recipes
    from harness.generation.recipe import Recipe, read_recipe

    found = Recipe()
    if name is not None:
        known = recipes(plugins)
        if not name.endswith(".toml") and name not in known:
            raise UsageError(
                f"no recipe is called {name!r}.{nearest(name, known)} Known: {', '.join(known)}. "
                "A file of your own is given by its path, ending in .toml."
            )
        found = read_recipe(Path(name) if name.endswith(".toml") else known[name])
    changed = {**msgspec.to_builtins(found), **changes}
    if changes.get("generator") in (None, found.generator):
        changed["parameters"] = {**found.parameters, **changed["parameters"]}
    try:
        return msgspec.convert(changed, Recipe)
    except msgspec.ValidationError as fault:
        raise UsageError(str(fault)) from None


def _read(file: Path) -> list[Prompt]:
    from harness.generation.pipeline import read_prompts

    return read_prompts(file)


def _asked(
    folder: Path, recipe: Recipe, model: str, url: str, key_file: Path | None
) -> list[Prompt]:
    """Return a language model's prompts: those of an interrupted call, or new ones."""
    from harness.generation.chat import Endpoint, ask_for_prompts

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
    workers: int,
) -> None:
    from harness.generation.pipeline import write_identities

    started = said = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said > 10 or done == total:
            said = now
            click.echo(f"identities: {done} of {total}, {now - started:.0f} s", err=True)

    number = write_identities(
        folder, recipe, prompts=prompts, plugins=plugins, workers=workers, say=say
    )
    click.echo(f"{folder}: {recipe.identities:,} identities, {number:,} images")
    # Variations of one picture are one photograph, about which `identification` does not ask.
    protocol = "identification" if recipe.captures > 1 else "closed-set"
    click.echo(f"next: harness run --protocol {protocol} --algo triplet --data {folder}")
