"""Folders above those of identities: what is a part of a name, and what is a role or a camera."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from harness.data.findings import Findings

__all__ = ["ABOVE", "HELD", "REPEATED", "Place", "places"]

ABOVE, REPEATED = "folders-above-identities", "folder-names-below-several-folders"
HELD = "pictures-directly-in-folders-of-roles"
"""Codes of what is said."""

_ROLES = {
    **dict.fromkeys(("query", "queries", "probe", "probes", "multi-query", "multi_query"), "probe"),
    **dict.fromkeys(("gallery", "galleries", "reference", "references", "enrol"), "reference"),
    **dict.fromkeys(("enroll", "enrolled", "enrolment", "enrollment"), "reference"),
    **dict.fromkeys(("bounding_box_test", "image_query_gallery"), "reference"),
    **dict.fromkeys(("train", "training", "train_all", "bounding_box_train"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "train"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), None),
}
"""By folder: the role of what lies in it; None where that is for the protocol to deal."""

_CAMERA = re.compile(r"(cam|camera|kamera|device|phone|lens|sensor|view|angle)[ _-]?\w{0,3}")

_SHOWN = 3


class Place(NamedTuple):
    """What the folders of an image say: its identity, and the role of those above it."""

    identity: str
    role: str | None


def places(folders: Iterable[str], findings: Findings) -> dict[str, Place]:
    """Read the folders that hold images.

    Where folders beside one another are called as roles are (``query`` and ``gallery``, ``train``
    and ``test``) or as cameras (``cam1``, ``cam2``) and hold folders, those name the identities,
    and folders of equal names below them are one. Otherwise all folders from the root are a part of
    the name. What was read in which way is said where equal names make it matter.

    Parameters
    ----------
    folders
        Paths from the root, ``/`` between them.
    findings
        Where that is said.
    """
    paths = {folder: PurePosixPath(folder).parts for folder in dict.fromkeys(folders)}
    beside: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for parts in paths.values():
        for depth in range(len(parts) - 1):
            beside[parts[:depth]].add(parts[depth])
    dropped: dict[tuple[str, ...], str | None] = {}
    for above, names in beside.items():
        roles = {name for name in names if name.casefold() in _ROLES}
        if len({name.casefold() for name in roles}) >= 2:
            dropped |= {(*above, name): _ROLES[name.casefold()] for name in roles}
        elif len(names) >= 2 and all(_CAMERA.fullmatch(name.casefold()) for name in names):
            dropped |= {(*above, name): None for name in names}
    found = {}
    for folder, parts in paths.items():
        kept, role = [], None
        for depth, part in enumerate(parts):
            place = parts[: depth + 1]
            if place in dropped and depth < len(parts) - 1:
                role = role or dropped[place]
            else:
                kept.append(part)
        found[folder] = Place("/".join(kept), role)
    _say_held(paths.values(), findings)
    _say_dropped(found, dropped, findings)
    _say_repeated(found, findings)
    return found


def _say_held(paths: Iterable[tuple[str, ...]], findings: Findings) -> None:
    """Refuse folders of roles or cameras that hold pictures: nobody's identity is said there."""
    ends: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for parts in paths:
        ends[parts[:-1]].append(parts[-1])
    for above, names in ends.items():
        roles = sorted(name for name in names if name.casefold() in _ROLES)
        cameras = sorted(name for name in names if _CAMERA.fullmatch(name.casefold()))
        found = roles if len(roles) > 1 else cameras if len(cameras) == len(names) > 1 else []
        if found:
            shown = ", ".join(repr("/".join((*above, name))) for name in found)
            findings.problem(
                "pictures directly in folders of roles",
                f"{shown}: pictures lie directly in these folders, whose names say a role or a "
                "camera and not which tattoo they show; put those of each tattoo into a folder of "
                "its own below, or write a manifest.csv with the columns image, tattoo, role",
            )


def _say_dropped(
    found: dict[str, Place], dropped: dict[tuple[str, ...], str | None], findings: Findings
) -> None:
    if not dropped:
        return
    words = {"probe": "probes", "reference": "references", "train": "learned from, never judged"}
    named = sorted(
        f"{'/'.join(place)}/{f' ({words[role]})' if role else ''}"
        for place, role in dropped.items()
    )
    members: defaultdict[str, list[str]] = defaultdict(list)
    for folder, place in found.items():
        members[place.identity].append(folder)
    several = sorted(name for name, inside in members.items() if inside[1:])
    joined = ""
    if several:
        first = " and ".join(repr(folder) for folder in sorted(members[several[0]])[:_SHOWN])
        joined = f"; folders of equal names in them are one tattoo: {first}"
        joined += f", and {len(several) - 1:,} more" if several[1:] else ""
    findings.warning(
        "folders above identities",
        f"{', '.join(named)}: read as what lies above the folders of identities{joined}",
    )


def _say_repeated(found: dict[str, Place], findings: Findings) -> None:
    above: defaultdict[str, set[str]] = defaultdict(set)
    for place in found.values():
        path = PurePosixPath(place.identity)
        if len(path.parts) > 1:
            above[path.name].add(path.parent.as_posix())
    repeated = sorted(name for name, parents in above.items() if len(parents) > 1)
    if repeated:
        name = repeated[0]
        parents = sorted(above[name])
        shown = ", ".join(f"'{parent}/{name}'" for parent in parents[:_SHOWN])
        rest = f" and {len(parents) - _SHOWN:,} more" if len(parents) > _SHOWN else ""
        findings.warning(
            "folder names below several folders",
            f"{shown}{rest} are read as different tattoos, although their last folders are called "
            f"alike ({len(repeated):,} names are used so); if they show the same, write a "
            "manifest.csv, or put their pictures into one folder",
        )
