"""From a recipe to a folder: prompts, pictures, crops, variations, manifest, checksums.

::

    images/<identity>/original.jpg  variation-01.jpg ...
    masks/ filled/ clean/   the same names, where the recipe asks for pairs
    descriptions/           what witnesses say, where the recipe asks for some: <identity>-1.txt
    prompts.csv             what was asked of the generator, by identity
    manifest.csv            the harness's own layout; x_... columns say how an image came about
    recipe.json             the recipe with every value, and the generator's source hash
    dataset.toml            that the pictures are synthetic
    croissant.json          the same for the loaders of others
    checksums.sha256

While it is made, `.work` notes what is finished, so that the same command goes on where it was.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.data.croissant import Described
from harness.data.dates import is_date
from harness.data.marker import MARKER, marker_text
from harness.data.set_description import describe_set
from harness.data.whole_files import write_whole
from harness.data.words import SUFFIX
from harness.errors import UsageError
from harness.plugins.registry import explained
from harness.synthesis.crop import filled, find_tattoo, frame_round, shaped
from harness.synthesis.encoding import Encoding, encoded
from harness.synthesis.finding import build, find_generator, source_hash
from harness.synthesis.generator import Generated, GenerationFailed, Generator, Order
from harness.synthesis.grammar import Prompt, make_prompts
from harness.synthesis.processes import in_processes
from harness.synthesis.recipe import Recipe
from harness.synthesis.streams import stream
from harness.synthesis.variations import PLAIN, draw_variation, varied
from harness.synthesis.whole_sets import CHECKSUMS, WORK, write_checksums
from harness.synthesis.witnesses import witnesses

__all__ = ["PROMPT_COLUMNS", "checked", "read_prompts", "write_identities"]

Say = Callable[[int, int], None]

PROMPT_COLUMNS = ("identity", "motif", "style", "placement", "prompt")
COLUMNS = (
    *("image", "tattoo", "group", "source", "style", "media", "box", "label", "skin", "taken"),
    *("site", "tags", "mask", "clean"),
    *("x_filled", "x_placement", "x_generator", "x_prompt", "x_seed", "x_variation"),
)
_FACTS = ("skin", "taken", "site")
"""What a generator may know of a capture: fields of `Generated` and columns."""
MANIFEST, RECIPE = "manifest.csv", "recipe.json"
PROMPTS = "prompts.csv"
DESCRIPTIONS = "descriptions"
ASPECT = 0.36
"""Largest logarithm of a variation's width over its height."""


class _Made(msgspec.Struct):
    """All that decides about the files: a folder made of something else is not gone on with."""

    recipe: Recipe
    source: str
    prompts: str
    """SHA-256 of prompts.csv."""


class _Job(msgspec.Struct, frozen=True):
    out: str
    file: str
    identity: str
    prompt: Prompt
    recipe: bytes


def write_identities(
    out: Path,
    recipe: Recipe,
    *,
    prompts: Sequence[Prompt] | None = None,
    plugins: Sequence[Path] = (),
    workers: int | None = 1,
    say: Say | None = None,
) -> int:
    """Make a data set, or what is missing of it.

    Parameters
    ----------
    out
        Folder to write: a new one, or one that the same call began.
    recipe
        What to make.
    prompts
        One for each identity; by the recipe's grammar unless given.
    plugins
        Folders with further generators.
    workers
        Processes, or None for as many as the machine has cores, if the generator lets several be at
        work; the result does not depend on it.
    say
        Called with the identities done and all of them.

    Returns
    -------
    int
        Images in the folder.

    Raises
    ------
    UsageError
        If the folder holds something else, or the recipe asks for what its generator cannot do.
    GenerationFailed
        If a picture cannot be made.
    """
    recipe.check()
    file = find_generator(recipe.generator, plugins)
    generator = build(file, recipe.parameters)
    _check_abilities(recipe, generator)
    asked = _within(recipe, generator)
    wanted = make_prompts(asked, recipe.identities, recipe.seed) if prompts is None else prompts
    if len(wanted) < recipe.identities:
        raise UsageError(f"there are {len(wanted):,} prompts for {recipe.identities:,} identities")
    digits = max(4, len(str(recipe.identities)))
    names = [f"t{number:0{digits}d}" for number in range(1, recipe.identities + 1)]
    sheet = _prompt_sheet(names, wanted)
    made = _Made(recipe, source_hash(file), hashlib.sha256(sheet).hexdigest())
    if _is_finished(out, made):
        return recipe.identities * recipe.images
    work = _begin(out, made)
    write_whole(out / PROMPTS, sheet)
    for kind in ("images", *(("masks", "filled", "clean") if recipe.pairs else ())):
        for name in names:
            (out / kind / name).mkdir(parents=True, exist_ok=True)
    coded = msgspec.json.encode(recipe)
    jobs = [
        _Job(str(out), str(file), name, prompt, coded)
        for name, prompt in zip(names, wanted, strict=False)
        if not (work / f"{name}.json").exists()
    ]
    done = len(names) - len(jobs)
    if workers is None:
        workers = 1 if generator.alone else os.cpu_count() or 1
    if say is not None:
        say(done, len(names))
    for _ in in_processes(_make, jobs, workers):
        done += 1
        if say is not None:
            say(done, len(names))
    rows = [row for name in names for row in _rows(work, name)]
    rows += [row for name in names for row in _described(out, name, _rows(work, name), recipe)]
    _write_table(out / MANIFEST, COLUMNS, rows)
    write_whole(out / RECIPE, msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    write_whole(out / MARKER, marker_text(f"harness synth FOLDER, as {RECIPE} says"))
    describe_set(
        out,
        Described(
            f"{recipe.identities} tattoos by {recipe.generator}",
            f"{recipe.identities * recipe.images:,} pictures of {recipe.identities:,} tattoos, "
            f"made by the generator {recipe.generator} from the prompts in {PROMPTS}, as {RECIPE} "
            "says.",
            license=generator.licence,
            cite=f"Made by tattoo-harness with the generator {recipe.generator}",
        ),
    )
    write_checksums(out)
    shutil.rmtree(work)
    return recipe.identities * recipe.images


def read_prompts(path: Path) -> list[Prompt]:
    """Read prompts that another data set was made from.

    Raises
    ------
    UsageError
        If the file is not one of them.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise UsageError(f"{path}: cannot be read: {fault}") from None
    if not lines or not set(PROMPT_COLUMNS[1:]) <= lines[0].keys():
        raise UsageError(f"{path}: should have the columns {', '.join(PROMPT_COLUMNS)}")
    cells = ([line[column] or "" for column in PROMPT_COLUMNS[1:]] for line in lines)
    return [Prompt(text, motif, style, place) for motif, style, place, text in cells]


def _check_abilities(recipe: Recipe, generator: Generator) -> None:
    if recipe.captures > 1 and not generator.retakes:
        raise UsageError(
            f"{recipe.generator} cannot photograph the same tattoo again; captures must be 1"
        )
    if recipe.pairs and not generator.pairs:
        raise UsageError(
            f"{recipe.generator} does not know its pictures without the tattoo; pairs come from "
            "`procedural`"
        )


def _within(recipe: Recipe, generator: Generator) -> Any:
    """Return the recipe's grammar, held to what the generator can draw."""
    grammar = recipe.prompts
    for part in ("motifs", "styles"):
        able = getattr(generator, part)
        strange = [value for value in getattr(grammar, part) if able and value not in able]
        if strange:
            raise UsageError(
                f"{recipe.generator} cannot draw {part} {', '.join(map(repr, strange[:5]))}; "
                f"it can: {', '.join(able)}"
            )
    return grammar


def _is_finished(out: Path, made: _Made) -> bool:
    if not (out / CHECKSUMS).exists() or (out / WORK).exists():
        return False
    _compare(out / RECIPE, made, out)
    return True


def _begin(out: Path, made: _Made) -> Path:
    """Return the folder of notes of a new or unfinished data set."""
    work = out / WORK
    if out.exists() and any(out.iterdir()) and not work.is_dir():
        raise UsageError(f"{out} is not empty; name a new folder")
    work.mkdir(parents=True, exist_ok=True)
    if (work / RECIPE).exists():
        _compare(work / RECIPE, made, out)
    write_whole(work / RECIPE, msgspec.json.encode(made))
    return work


def _compare(file: Path, made: _Made, out: Path) -> None:
    try:
        there = msgspec.json.decode(file.read_bytes(), type=_Made)
    except (OSError, msgspec.DecodeError):
        raise UsageError(f"{out} was not made by this command; name a new folder") from None
    if there != made:
        old, new = msgspec.to_builtins(there), msgspec.to_builtins(made)
        keys = [k for k in old["recipe"] if old["recipe"][k] != new["recipe"][k]]
        keys = keys or [k for k in ("source", "prompts") if old[k] != new[k]]
        raise UsageError(
            f"{out} was made with another {', '.join(keys)}; name a new folder, or use the same"
        )


@lru_cache(maxsize=1)
def _built(file: str, recipe: bytes) -> tuple[Generator, Recipe]:
    decoded = msgspec.json.decode(recipe, type=Recipe)
    return build(Path(file), decoded.parameters), decoded


def _make(job: _Job) -> None:
    """Make all images of one identity; the note that says so is written last."""
    generator, recipe = _built(job.file, job.recipe)
    out = Path(job.out)
    seed = int(stream(recipe.seed, "identity", job.identity).integers(2**31))
    originals = []
    for take in range(recipe.captures):
        order = Order(job.prompt, job.identity, take, seed)
        with explained(Path(job.file), "generate failed"):
            picture = generator.generate(order)
        originals.append(checked(picture, recipe))
    rows = []
    for number in range(recipe.images):
        take, turn = number % recipe.captures, number // recipe.captures
        original = originals[take]
        height, width = original.image.shape[:2]
        frame = frame_round(original.box or (0, 0, width, height), recipe.margin, width, height)
        rng = stream(recipe.seed, "variation", job.identity, number)
        if turn == 0:
            # The original keeps its surroundings; variations show the crop.
            change, frame = PLAIN, (0, 0, width, height)
            stem = "original" if recipe.captures == 1 else f"original-{take + 1:02d}"
        else:
            change = draw_variation(recipe.variations, rng)
            frame = shaped(frame, float(np.exp(rng.uniform(-ASPECT, ASPECT))))
            stem = f"variation-{number - recipe.captures + 1:02d}"
        picture = varied(original, frame, recipe.size, change, rng)
        files = _save(out, job.identity, stem, picture, recipe)
        box = " ".join(map(str, picture.box)) if picture.box else ""
        rows.append(
            {
                **files,
                "tattoo": job.identity,
                "group": job.identity,
                "source": f"{job.identity}/{take + 1}",
                "style": job.prompt.style,
                "media": "photo",
                "box": box,
                "label": "tattoo",
                **{fact: getattr(original, fact) for fact in _FACTS},
                "tags": " ".join(picture.tags or (job.prompt.motif.replace(" ", "-"),)),
                "x_placement": job.prompt.placement,
                "x_generator": recipe.generator,
                "x_prompt": job.prompt.text,
                "x_seed": str(seed),
                "x_variation": "" if turn == 0 else str(change),
            }
        )
    write_whole(out / WORK / f"{job.identity}.json", msgspec.json.encode(rows))


def _described(
    out: Path, identity: str, rows: Sequence[Mapping[str, str]], recipe: Recipe
) -> list[dict[str, str]]:
    """Write what witnesses say of a tattoo: nothing but what is true of all of its images."""
    if not recipe.descriptions:
        return []
    tags = [tag for tag in rows[0]["tags"].split() if all(tag in r["tags"].split() for r in rows)]
    known = {c: rows[0][c] for c in ("style", "site") if len({row[c] for row in rows}) == 1}
    (out / DESCRIPTIONS).mkdir(exist_ok=True)
    found = []
    said = witnesses(recipe.descriptions, recipe.seed, identity, tags=tuple(tags), **known)
    for number, one in enumerate(said, start=1):
        file = f"{DESCRIPTIONS}/{identity}-{number}{SUFFIX}"
        write_whole(out / file, f"{one.words}\n".encode())
        stated = {"tags": " ".join(one.tags), "style": one.style, "site": one.site}
        found.append({"image": file, "tattoo": identity, "group": identity, **stated})
    return found


def checked(picture: Generated, recipe: Recipe) -> Generated:
    """Return what a generator made, with a box; plugins are not trusted.

    Raises
    ------
    GenerationFailed
        If it is no picture, or lacks what the recipe asks for.
    """
    image = picture.image
    if not (isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3):
        raise GenerationFailed(f"{recipe.generator} returned no uint8 image of three axes")
    if image.shape[2] != 3 or min(image.shape[:2]) < 16:
        raise GenerationFailed(
            f"{recipe.generator} returned an image of shape {image.shape}; (height, width, 3) of "
            "16 pixels and more is needed"
        )
    if recipe.pairs:
        for what, there in (("mask", picture.mask), ("clean picture", picture.clean)):
            if there is None or there.shape[:2] != image.shape[:2]:
                raise GenerationFailed(f"{recipe.generator} returned no {what} of the image's size")
    box = picture.box if picture.box is not None else find_tattoo(image)
    for fact in _FACTS:
        said = getattr(picture, fact)
        if not isinstance(said, str) or (fact == "taken" and said and not is_date(said)):
            wanted = "a date, as 2024-05-17, 2024-05 or 2024" if fact == "taken" else "a word"
            raise GenerationFailed(f"{recipe.generator} returned {fact} {said!r}; it is {wanted}")
    return replace(picture, image=np.ascontiguousarray(image), box=box)


def _save(
    out: Path, identity: str, stem: str, picture: Generated, recipe: Recipe
) -> dict[str, str]:
    files = {"image": f"images/{identity}/{stem}.jpg"}
    (out / files["image"]).write_bytes(encoded(picture.image, Encoding(recipe.quality)))
    if recipe.pairs and picture.mask is not None and picture.clean is not None:
        masks = {"ink": f"masks/{identity}/{stem}.png", "filled": f"filled/{identity}/{stem}.png"}
        (out / masks["ink"]).write_bytes(_png(picture.mask))
        (out / masks["filled"]).write_bytes(_png(filled(picture.mask)))
        files |= {"clean": f"clean/{identity}/{stem}.jpg", "mask": masks[recipe.mask]}
        files["x_filled"] = masks["filled"]
        (out / files["clean"]).write_bytes(encoded(picture.clean, Encoding(recipe.quality)))
    return files


def _png(mask: npt.NDArray[np.bool_]) -> bytes:
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "PNG", optimize=True)
    return data.getvalue()


def _prompt_sheet(names: Sequence[str], prompts: Sequence[Prompt]) -> bytes:
    lines = [
        {
            "identity": name,
            "motif": prompt.motif,
            "style": prompt.style,
            "placement": prompt.placement,
            "prompt": prompt.text,
        }
        for name, prompt in zip(names, prompts, strict=False)
    ]
    return _table(PROMPT_COLUMNS, lines)


def _rows(work: Path, name: str) -> list[dict[str, str]]:
    return msgspec.json.decode((work / f"{name}.json").read_bytes(), type=list[dict[str, str]])


def _table(columns: Sequence[str], lines: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def _write_table(path: Path, columns: Sequence[str], lines: Sequence[Mapping[str, str]]) -> None:
    # Columns that say nothing are left out, so that a table without pairs looks like one.
    used = [c for c in columns if any(line.get(c) for line in lines)]
    write_whole(path, _table(used, [{c: line.get(c, "") for c in used} for line in lines]))
