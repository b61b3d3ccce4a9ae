"""Small data sets in the layouts that the readers read, made for tests."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path

import PIL.Image

_NEXT = count(1)


def picture(path: Path, value: int | None = None) -> Path:
    """Write an image; one of its own unless `value` repeats."""
    number = next(_NEXT) if value is None else 1_000_000 + value
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = (number & 255, number >> 8 & 255, number >> 16)
    image = PIL.Image.new("RGB", (8, 6), colour)
    image.save(path, "PNG" if path.suffix.lower() not in (".jpg", ".jpeg") else "JPEG")
    return path


def lines(path: Path, content: Iterable[str], *, end: str = "\n", mark: bytes = b"") -> Path:
    """Write a list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mark + "".join(line + end for line in content).encode())
    return path


def tatt_c(
    root: Path, use_case: str = "tattoo_identification", *, folds: int = 2, per_fold: int = 2
) -> Path:
    """Make a sound set: probe ``p<fold>-<n>.png`` is mated with ``g<fold>-<n>.png``."""
    lists, images = root / "5-fold" / use_case, root / use_case / "images"
    truth: list[str] = []
    for fold in range(1, folds + 1):
        numbers = range(1, per_fold + 1)
        probes = [f"p{fold}-{n}.png" for n in numbers]
        gallery = [f"g{fold}-{n}.png" for n in numbers]
        for name in (*probes, *gallery):
            picture(images / name)
        lines(lists / f"probes{fold}.txt", probes)
        lines(lists / f"gallery{fold}.txt", gallery)
        truth += [f"{p}|{g}" for p, g in zip(probes, gallery, strict=True)]
    lines(lists / "ground_truth.txt", truth)
    return root


def background(root: Path, names: Iterable[str] = ("b1.png", "b2.png")) -> None:
    """Add a background."""
    names = list(names)
    for name in names:
        picture(root / "background" / "images" / name)
    lines(root / "background" / "bg.txt", names)


def add(path: Path, *content: str) -> None:
    """Append lines to a list."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in content)
