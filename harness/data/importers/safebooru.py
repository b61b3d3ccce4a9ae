"""Safebooru's CSV made into a tagging set: dictionary, choice of images, check, resizing, manifest.

::

    OUT/manifest.csv    image, tags, source: what `harness run --protocol tagging --data OUT` reads
    OUT/images/         the images taken, resized
    OUT/tags.csv        the dictionary: tag, uses in the CSV, images taken
    OUT/refused.csv     what was refused, and why
    OUT/croissant.json  the same for the loaders of others
    OUT/originals/      downloads, where no folder of images was named
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.data.croissant import Described
from harness.data.images import UnreadableImage, decode
from harness.data.importers.downloads import Downloads, NotFetchedError
from harness.data.readers.safebooru import SUFFIXES, Entry, Malformed, read_entries
from harness.data.set_description import describe_set
from harness.errors import UsageError

SLIDES_USES = 120_001
"""Uses of a tag at least: the slides take tags with more than 120,000."""

QUALITY = 95
ABOUT = Described(
    "Safebooru, tagged",
    "Pictures of Safebooru with those of their tags that are used often, resized. Each picture is "
    "its artist's; this file states no licence.",
    cite="Safebooru, https://safebooru.org",
)
COLUMNS = ("id", "line", "reason")


@dataclass(frozen=True)
class Wishes:
    """What of a Safebooru CSV is wanted.

    Parameters
    ----------
    min_use
        Uses in the whole CSV that a tag of the dictionary has at least.
    per_tag
        Images of a tag that are looked for. An image is taken while one of its tags still lacks
        images, and with all its tags, so that commoner ones come to have more: leaving out a tag
        that an image carries would make the truth false.
    size
        Side in pixels that images are resized to, as in the slides without regard to their shape.
    first
        Lines of the CSV that images are chosen from; all unless given.
    """

    min_use: int = SLIDES_USES
    per_tag: int = 1000
    size: int = 100
    first: int | None = None


@dataclass
class Collected:
    """What came of it.

    Parameters
    ----------
    uses, images
        By tag of the dictionary: uses in the CSV, and images taken.
    taken, refused, passed
        Number of images taken, of lines refused, and of lines that were not needed.
    """

    uses: dict[str, int]
    images: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    refused: int = 0
    passed: int = 0


def collect(
    sheet: Path,
    out: Path,
    wishes: Wishes,
    *,
    images: Path | None = None,
    downloads: Downloads | None = None,
    report: Callable[[str, int], None] = lambda what, done: None,
) -> Collected:
    """Make a tagging set of a Safebooru CSV; the same call again goes on where it was.

    Parameters
    ----------
    sheet
        The CSV. It is read twice, line by line, and never held in memory.
    images
        Folder with files called after the ids; ``OUT/originals`` unless given.
    downloads
        Fetches images that the folder lacks, into it; without it they are refused.
    report
        Called now and then with what is done and how many lines are.

    Raises
    ------
    UsageError
        If the CSV has not the columns, no tag is used often enough, or there are no images.
    """
    if images is not None and not images.is_dir() and downloads is None:
        raise UsageError(f"there is no folder of images {images}; --download fetches them")
    if images is None and downloads is None:
        raise UsageError("name the folder of images with --images DIR, or fetch them: --download")
    uses = dictionary(sheet, wishes.min_use, report)
    found = Collected(uses)
    source = images if images is not None else out / "originals"
    (out / "images").mkdir(parents=True, exist_ok=True)
    source.mkdir(parents=True, exist_ok=True)
    # Written under other names, so that a list of a call killed half-way never passes for whole.
    parts = {name: out / f".{name}.part" for name in ("manifest.csv", "refused.csv")}
    given_up = {**_given_up(out / "refused.csv"), **_given_up(parts["refused.csv"])}
    with (
        parts["manifest.csv"].open("w", encoding="utf-8", newline="") as manifest,
        parts["refused.csv"].open("w", encoding="utf-8", newline="") as refused,
    ):
        taken, refusals = csv.writer(manifest), csv.writer(refused)
        taken.writerow(("image", "tags", "source"))
        refusals.writerow(COLUMNS)
        for entry, tags, reason in _chosen(sheet, wishes, found, source, out, downloads, given_up):
            if isinstance(entry, Malformed) or reason:
                name = entry.id if isinstance(entry, Entry) else ""
                refusals.writerow((name, entry.line, reason))
                refused.flush()
                found.refused += 1
                continue
            kept = entry.id + ".jpg"
            taken.writerow((f"images/{kept}", " ".join(tags), f"safebooru-{entry.id}"))
            found.taken += 1
            report("images taken", found.taken)
    for name, part in parts.items():
        part.replace(out / name)
    _write_dictionary(out / "tags.csv", found)
    describe_set(out, ABOUT)
    if not found.taken:
        raise UsageError(f"no image could be taken; {out / 'refused.csv'} says why")
    return found


def dictionary(
    sheet: Path, min_use: int, report: Callable[[str, int], None] = lambda what, done: None
) -> dict[str, int]:
    """Return the tags used at least so often, with their uses, commonest first.

    Raises
    ------
    UsageError
        If there is none; it names the commonest.
    """
    uses: Counter[str] = Counter()
    for number, entry in enumerate(read_entries(sheet), start=1):
        if isinstance(entry, Entry):
            uses.update(entry.tags)
        if number % 100_000 == 0:
            report("lines counted", number)
    ordered = sorted(uses.items(), key=lambda item: (-item[1], item[0]))
    kept = {tag: count for tag, count in ordered if count >= min_use}
    if not kept:
        most = ", ".join(f"{tag} ({count})" for tag, count in ordered[:5]) or "there is no tag"
        raise UsageError(
            f"{sheet}: no tag is used {min_use} times or more; the commonest: {most}. "
            "Lower --min-use"
        )
    return kept


def _chosen(
    sheet: Path,
    wishes: Wishes,
    found: Collected,
    source: Path,
    out: Path,
    downloads: Downloads | None,
    given_up: dict[str, str],
) -> Iterator[tuple[Entry | Malformed, tuple[str, ...], str]]:
    """Yield lines with the tags to be kept, or with why they are refused."""
    seen: set[str] = set()
    for number, entry in enumerate(read_entries(sheet), start=1):
        if wishes.first is not None and number > wishes.first:
            return
        if all(found.images[tag] >= wishes.per_tag for tag in found.uses):
            return
        if isinstance(entry, Malformed):
            yield entry, (), entry.reason
            continue
        tags = tuple(tag for tag in entry.tags if tag in found.uses)
        if not any(found.images[tag] < wishes.per_tag for tag in tags):
            found.passed += 1
            continue
        reason = "its id stands there twice" if entry.id in seen else ""
        seen.add(entry.id)
        if not reason:
            reason = _take(entry, wishes.size, source, out, downloads, given_up)
        if not reason:
            found.images.update(tags)
        yield entry, tags, reason


def _take(
    entry: Entry,
    size: int,
    source: Path,
    out: Path,
    downloads: Downloads | None,
    given_up: dict[str, str],
) -> str:
    """Check and resize one image; return why it is refused, or nothing."""
    target = out / "images" / f"{entry.id}.jpg"
    if _has_size(target, size):
        return ""
    original = next((p for s in SUFFIXES if (p := source / f"{entry.id}{s}").is_file()), None)
    if original is None:
        if downloads is None:
            return "there is no image file"
        if entry.id in given_up:
            return given_up[entry.id]
        original = source / f"{entry.id}.jpg"
        try:
            downloads.fetch(entry.url, original)
        except NotFetchedError as reason:
            return f"download: {reason}"
    import PIL.Image

    try:
        picture = PIL.Image.fromarray(decode(original))
    except UnreadableImage as fault:
        return f"the file {fault.reason}"
    part = target.with_suffix(".part")
    picture.resize((size, size), PIL.Image.Resampling.LANCZOS).save(part, "JPEG", quality=QUALITY)
    part.replace(target)
    return ""


def _has_size(image: Path, size: int) -> bool:
    """Return whether an earlier call has already made this image, in the size wanted now."""
    import PIL.Image

    with suppress(OSError, ValueError), PIL.Image.open(image, formats=["JPEG"]) as kept:
        return kept.size == (size, size)
    return False


def _given_up(refused: Path) -> dict[str, str]:
    """Return the images that a server refused earlier, with reasons: none is asked for again."""
    if not refused.is_file():
        return {}
    with refused.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: row["reason"]
            for row in csv.DictReader(file)
            if row.get("id") and (row.get("reason") or "").startswith("download: answered 4")
        }


def _write_dictionary(file: Path, found: Collected) -> None:
    with file.open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(("tag", "uses", "images"))
        rows.writerows((tag, uses, found.images[tag]) for tag, uses in found.uses.items())
