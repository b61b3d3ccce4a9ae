"""The synthetic world written to a folder in the Tatt-C layout, with manifest and checksums."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from harness.data.marker import MARKER, marker_text
from harness.synthesis.encoding import encoded
from harness.synthesis.generator import Report
from harness.synthesis.whole_sets import write_checksums

from .known import Known, known_of
from .picture import Picture, picture_of
from .resuming import begin, drawn
from .world import FOLDS, SCALES, USE_CASES, Item, census, mated_pairs

__all__ = [
    "MANIFEST_COLUMNS",
    "made_by",
    "write_dataset",
    "write_lists",
    "write_marker",
]

MANIFEST_COLUMNS = (
    "image",
    "tattoo",
    "subject",
    "group",
    "source",
    "style",
    "media",
    "role",
    "fold",
    "box",
    "label",
    *Known._fields,
    "tags",
    "mask",
    "clean",
    "use_case",
)


_README = """# Synthetic tattoos in the Tatt-C layout, scale `{scale}`

Drawn by the generator `procedural`; no person, no photograph and no other data set is in it. Made
with

    harness synth FOLDER --scale {scale} --seed {seed}

| use case | probes | gallery | background |
|---|---|---|---|
{counts}

* `manifest.csv` has one row per picture: tattoo, subject, group of related designs, source (the
  photograph it comes from), style, media, role, fold, box (`x1 y1 x2 y2`, upper ones exclusive),
  label, skin tone, date, place on the body, motif tags, ink mask, the same photograph without the
  tattoo, use case. Paths are relative to this folder.
* `skin` is one of six classes of equal width in melanin, `tone-1` (least) to `tone-6`, and `site`
  one of thirteen places of the body, or `face`: both as they were drawn, under tattoos and in the
  pictures of faces, bare skin and jewellery. `taken` is the day of the capture: for a tattoo's
  first one a day of the years 1990 to 1999, for others by as many years later as their ink has
  aged since. All three are drawn by lot, and are empty where they were not drawn.
* `<use case>/` holds the pictures, `probesAll.txt`, `galleryAll.txt` and `ground_truth.txt`
  (`probe|gallery`, one line per mated pair; in detection `image|tattoo` or `image|non-tattoo`).
  `5-fold/<use case>/` holds the lists of each fold. Folds share no tattoo, group or subject.
* Identification: a later photograph of the same tattoo. Region of interest: an area of 25-60 % of
  the tattoo's box, cut from another photograph than the gallery's. Mixed media: the design as
  sketch, scanned print, computer graphic or graffiti. Similarity: another design of the same group
  on another subject. Verification, which Tatt-C does not have: several photographs of each tattoo,
  of other years and cameras; lists call every second one a probe. Detection: tattoos against faces,
  bare skin with moles, veins and scars, jewellery, patterned cloth and painted walls; its tattoos
  have masks and clean photographs.
* Size and shape of a picture, its mount, the colour cast, noise, JPEG tables and the length of the
  file are drawn from a stream of the picture's own name. They tell nothing of the tattoo, its
  style, whether there is one, or the other pictures of it. A comment of zeros fills each file.
* The `mini` scale has a fifth of Tatt-C's counts, and two fifths of its mixed media so that a
  fold's gallery is not tiny; `full` has Tatt-C's counts exactly. One core of a server of the 2020s
  draws about {speed}.
* The same seed gives the same pictures on every machine, but for rounding, since mathematical
  libraries and JPEG codecs round differently: a decoded picture may differ by 2 levels of 255 on
  average and by 80 in any one value. (Between OpenCV 4.10, NumPy 2.0, Pillow 11.0, matplotlib 3.9
  and OpenCV 5.0, NumPy 2.4, matplotlib 3.11 and the Pillow of their day, 316 pictures differed by
  .3 in the median and by 1.6 at worst.) Lists are the same to the byte.
* `checksums.sha256` is in the format of `sha256sum --check`.

Licence: Apache-2.0, as the project. Lettering and signs follow the outlines of the DejaVu fonts
that matplotlib ships.
"""
_SPEED = "25 pictures a second at `mini` and 5 at `full`"


def _mask_png(picture: Picture) -> bytes:
    data = io.BytesIO()
    if picture.mask is not None:
        Image.fromarray(picture.mask).convert("1").save(data, "PNG", optimize=True)
    return data.getvalue()


def _draw(job: tuple[str, int, str, Item]) -> dict[str, str]:
    """Draw one item, write its files and return its row of the manifest."""
    out, seed, scale, item = job
    root = Path(out)
    picture = picture_of(seed, item, SCALES[scale].long_side)
    place = f"{item.use_case}/images/{item.image}"
    (root / place).write_bytes(encoded(picture.image, picture.encoding))
    mask = clean = ""
    if item.use_case == "tattoo_detection" and picture.clean is not None:
        stem = Path(item.image).stem
        mask, clean = f"{item.use_case}/masks/{stem}.png", f"{item.use_case}/clean/{stem}.jpg"
        (root / mask).write_bytes(_mask_png(picture))
        (root / clean).write_bytes(encoded(picture.clean, replace(picture.encoding, fill=0.0)))
    return {
        "image": place,
        "tattoo": item.tattoo,
        "subject": item.subject,
        "group": item.group,
        "source": item.source,
        "style": item.style,
        "media": item.media if item.kind != "negative" else "photo",
        "role": item.role,
        "fold": str(item.fold or ""),
        "box": " ".join(map(str, picture.box)) if picture.box else "",
        "label": "tattoo" if item.tattoo else "non-tattoo",
        **known_of(seed, item)._asdict(),
        "tags": " ".join(picture.tags),
        "mask": mask,
        "clean": clean,
        "use_case": item.use_case,
    }


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8"))


def write_lists(out: Path, items: Sequence[Item]) -> None:
    """Write the probe lists, gallery lists and ground truth of every use case.

    Parameters
    ----------
    out : Path
        Root of the data set.
    items : sequence of Item
        The census.
    """
    for use_case in USE_CASES:
        mine = [item for item in items if item.use_case == use_case]
        if use_case == "background":
            _write_lines(out / use_case / "bg.txt", (i.image for i in mine))
            continue
        folder, folds = out / use_case, out / "5-fold" / use_case
        probes = [i for i in mine if i.role == "probe"]
        gallery = [i for i in mine if i.role == "reference"]
        if use_case == "tattoo_detection":
            truth = [f"{i.image}|{'tattoo' if i.tattoo else 'non-tattoo'}" for i in probes]
        else:
            truth = ["|".join(pair) for pair in mated_pairs(mine)]
        for root in (folder, folds):
            _write_lines(root / "ground_truth.txt", truth)
        _write_lines(folder / "probesAll.txt", (i.image for i in probes))
        if gallery:
            _write_lines(folder / "galleryAll.txt", (i.image for i in gallery))
        for fold in range(1, FOLDS + 1):
            _write_lines(folds / f"probes{fold}.txt", (i.image for i in probes if i.fold == fold))
            if gallery:
                names = (i.image for i in gallery if i.fold == fold)
                _write_lines(folds / f"gallery{fold}.txt", names)


def _write_manifest(out: Path, rows: Sequence[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, MANIFEST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (out / "manifest.csv").write_bytes(text.getvalue().encode("utf-8"))


def made_by(scale: str, seed: int) -> str:
    """Return the command that makes a set, as its marker has it."""
    return f"harness synth FOLDER --scale {scale} --seed {seed}"


def write_marker(out: Path, made_with: str) -> None:
    """State in a folder that its pictures are synthetic; to be called before `write_checksums`."""
    (out / MARKER).write_bytes(marker_text(made_with).encode("utf-8"))


def _readme(scale: str, seed: int, items: Sequence[Item]) -> str:
    counts = []
    for use_case in USE_CASES:
        mine = [i for i in items if i.use_case == use_case]
        roles = {r: sum(i.role == r for i in mine) for r in ("probe", "reference", "background")}
        counts.append(
            f"| `{use_case}` | {roles['probe'] or '-'} | {roles['reference'] or '-'} | "
            f"{roles['background'] or '-'} |"
        )
    return _README.format(scale=scale, seed=seed, counts="\n".join(counts), speed=_SPEED)


def write_dataset(
    out: Path,
    *,
    scale: str,
    seed: int = 0,
    workers: int = 1,
    report: Report | None = None,
) -> None:
    """Draw a whole data set into a folder, or what is missing of it.

    Parameters
    ----------
    out : Path
        Folder to write: one that does not exist or is empty, or one that the same call began.
    scale : {"mini", "full"}
        Counts and picture size.
    seed : int
        Seed of the world.
    workers : int
        Processes to draw with; the result does not depend on it.
    report : callable, optional
        Called with pictures done and pictures in all, at the start and after every picture.

    Raises
    ------
    FileExistsError
        If `out` holds other files.
    UsageError
        If it was begun with another scale or seed, or by another version of the harness.
    ValueError
        If the scale is unknown.
    """
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}, expected one of {', '.join(SCALES)}")
    made_with = made_by(scale, seed)
    begin(out, made_with)
    items = census(seed, scale)
    for use_case in USE_CASES:
        (out / use_case / "images").mkdir(parents=True, exist_ok=True)
    for kind in ("masks", "clean"):
        (out / "tattoo_detection" / kind).mkdir(exist_ok=True)
    write_lists(out, items)
    jobs = [(str(out), seed, scale, item) for item in items]
    names = [f"{item.use_case}/{item.image}" for item in items]
    rows = drawn(out, jobs, names, _draw, workers, report)
    _write_manifest(out, rows)
    (out / "README.md").write_bytes(_readme(scale, seed, items).encode("utf-8"))
    write_marker(out, made_with)
    write_checksums(out)
