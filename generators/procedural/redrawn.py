"""Designs as several hands draw them in every medium: a set to learn from, not to judge on."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from harness.synthesis.encoding import encoded
from harness.synthesis.generator import Report
from harness.synthesis.processes import in_processes

from .capture import render_capture, tattoo_of
from .known import Known, known_of_capture
from .media import MEDIA, render_medium

__all__ = ["write_redrawn"]

_COLUMNS = (
    *("image", "tattoo", "group", "subject", "source", "style", "media", "role"),
    *(*Known._fields, "tags"),
)

_Job = tuple[str, int, int, int, int]


def _draw(job: _Job) -> list[dict[str, str]]:
    """Draw what one hand makes of one idea, in every medium, and return its rows."""
    out, seed, long_side, idea, hand = job
    group, name = f"g{idea:05d}", f"g{idea:05d}-h{hand}"
    subject = f"s-{name}"
    tattoo = tattoo_of(seed, name, group=group, subject=subject)
    pictures = {
        medium: render_medium(seed, tattoo.design, medium, name, long_side=long_side)
        for medium in MEDIA
    }
    photograph = render_capture(seed, tattoo, "a", long_side=long_side)
    known = known_of_capture(seed, name, subject, tattoo.place)
    pictures["photo"] = photograph.image, photograph.encoding
    rows = []
    for medium, (pixels, encoding) in pictures.items():
        place = f"images/{group}/h{hand}-{medium}.jpg"
        path = Path(out, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(pixels, encoding))
        rows.append(
            {
                "image": place,
                "tattoo": name,
                "group": group,
                "subject": subject,
                "source": f"{name}-{medium}",
                "style": tattoo.style,
                "media": medium,
                "role": "train",
                **(known if medium == "photo" else Known())._asdict(),
                "tags": " ".join(tattoo.design.tags),
            }
        )
    return rows


def write_redrawn(
    out: Path,
    *,
    ideas: int,
    hands: int = 2,
    long_side: int = 96,
    seed: int = 0,
    workers: int = 1,
    report: Report | None = None,
) -> None:
    """Draw ideas as different artists would, each as four media and one photograph on skin.

    Images lie in one folder per idea, ``images/<group>/<hand>-<medium>.jpg``, and ``manifest.csv``
    names them all with role ``train``: ``tattoo`` is one hand's drawing, ``group`` is the idea.

    Parameters
    ----------
    out : Path
        Folder to write; it must not exist or be empty.
    ideas : int
        Groups of designs.
    hands : int
        Designs of a group.
    long_side : int
        Longer side of a picture in pixels.
    seed : int
        Seed of the world.
    workers : int
        Processes to draw with; the result does not depend on it.
    report : callable, optional
        Called with drawings done and drawings in all.

    Raises
    ------
    FileExistsError
        If `out` holds files already.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: name a new folder, or empty this one first")
    out.mkdir(parents=True, exist_ok=True)
    jobs = [(str(out), seed, long_side, i, h) for i in range(ideas) for h in range(hands)]
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for done, rows in enumerate(in_processes(_draw, jobs, workers, bunch=8), start=1):
        writer.writerows(rows)
        if report is not None:
            report(done, len(jobs))
    (out / "manifest.csv").write_bytes(text.getvalue().encode("utf-8"))
