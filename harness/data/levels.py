"""Folders above those of identities: what is a part of a name, and what is a role or a camera."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from harness.data.findings import Findings
from harness.errors import some

__all__ = ["ABOVE", "HELD", "NESTED", "REPEATED", "Place", "places"]

ABOVE, REPEATED = "folders-above-identities", "folder-names-below-several-folders"
HELD = "pictures-directly-in-folders-of-roles"
NESTED = "folders-inside-folders-of-pictures"
"""Codes of what is said."""

_PROBE = "probe probes query queries multiquery search searches suchbilder spuren traces latents"
_REFERENCE = (
    "gallery galleries reference references referenz referenzen ref refs enrol enroll enrolled "
    "enrolment enrollment boundingboxtest imagequerygallery mates mugshots watchlist database db"
)
_TRAIN = (
    "train training trainall boundingboxtrain val valid validation dev entrainement "
    "entrenamiento addestramento"
)
_BACKGROUND = "background backgrounds distractor distractors junk"
_DEALT = "test testing eval evaluation"
_ROLES = {
    **dict.fromkeys(_PROBE.split(), "probe"),
    **dict.fromkeys(_REFERENCE.split(), "reference"),
    **dict.fromkeys(_TRAIN.split(), "train"),
    **dict.fromkeys(_BACKGROUND.split(), "background"),
    **dict.fromkeys(_DEALT.split(), None),
}
"""By folder: the role of what lies in it; None where that is for the protocol to deal."""

_AROUND = re.compile(
    r"^(\d{1,2}[ _.-]+|split[ _-]+)|(?<=\w)[ _-]*(set|split|data|images?|imgs?|pictures|photos)$"
)
"""What stands around such names: ``1_train``, ``gallery set``."""

_CAMERA = re.compile(r"(cam|camera|kamera|device|phone|lens|sensor|view|angle)[ _-]?\w{0,3}")

_NOBODY = "background"
_SHOWN = 3


class Place(NamedTuple):
    """What the folders of an image say: its identity, and the role of those above it."""

    identity: str | None
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
        for depth, part in enumerate(parts):
            if depth < len(parts) - 1 or _ROLES.get(_key(part)) == _NOBODY:
                beside[parts[:depth]].add(part)
    dropped: dict[tuple[str, ...], str | None] = {}
    for above, names in beside.items():
        roles = {name: key for name in names if (key := _key(name)) in _ROLES}
        if len(set(roles.values())) >= 2:
            dropped |= {(*above, name): _ROLES[key] for name, key in roles.items()}
        elif len(names) >= 2 and all(_CAMERA.fullmatch(name.casefold()) for name in names):
            dropped |= {(*above, name): None for name in names}
    found = {}
    for folder, parts in paths.items():
        kept, role = [], None
        for depth, part in enumerate(parts):
            place = parts[: depth + 1]
            if place in dropped and (depth < len(parts) - 1 or dropped[place] == _NOBODY):
                role = role or dropped[place]
            else:
                kept.append(part)
        found[folder] = Place(None if role == _NOBODY else "/".join(kept), role)
    _say_held(paths.values(), findings)
    _say_dropped(found, dropped, findings)
    identities = sorted({place.identity for place in found.values() if place.identity is not None})
    _say_repeated(identities, findings)
    _say_nested(identities, findings)
    return found


def _key(folder: str) -> str:
    """Return by which name a folder stands among those of roles.

    >>> [_key(name) for name in ("1_Train", "Query images", "multi-query", "anna")]
    ['train', 'query', 'multiquery', 'anna']
    """
    return re.sub("[ _-]", "", _AROUND.sub("", folder.casefold()))


def _say_held(paths: Iterable[tuple[str, ...]], findings: Findings) -> None:
    """Refuse folders of roles or cameras that hold pictures: nobody's identity is said there."""
    ends: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for parts in paths:
        ends[parts[:-1]].append(parts[-1])
    for above, names in ends.items():
        roles = sorted(name for name in names if _ROLES.get(_key(name), _NOBODY) != _NOBODY)
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
    words = {
        "probe": "probes",
        "reference": "references",
        "train": "learned from, never judged",
        _NOBODY: "background, of nobody who is searched for",
    }
    named = sorted(
        f"{'/'.join(place)}/{f' ({words[role]})' if role else ''}"
        for place, role in dropped.items()
    )
    members: defaultdict[str, list[str]] = defaultdict(list)
    for folder, place in found.items():
        if place.identity is not None:
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


def _say_repeated(identities: Iterable[str], findings: Findings) -> None:
    above: defaultdict[str, list[str]] = defaultdict(list)
    for identity in identities:
        above[PurePosixPath(identity).name].append(identity)
    repeated = sorted(name for name, paths in above.items() if paths[1:])
    if repeated:
        paths = above[repeated[0]]
        rest = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
        findings.warning(
            "folder names below several folders",
            f"{', '.join(map(repr, paths[:_SHOWN]))}{rest} are read as different tattoos, although "
            f"their last folders are called alike ({some(len(repeated), 'name is', 'names are')} "
            "used so); if they "
            "show the same, write a manifest.csv, or put their pictures into one folder",
        )


def _say_nested(identities: list[str], findings: Findings) -> None:
    """Say where a folder that holds pictures of a tattoo holds folders of pictures, too."""
    known = set(identities)
    inside = [
        (str(path), identity)
        for identity in identities
        for path in PurePosixPath(identity).parents
        if str(path) in known
    ]
    if inside:
        outer, inner = inside[0]
        findings.warning(
            "folders inside folders of pictures",
            f"{outer!r} and {inner!r} are read as different tattoos, although one lies in the "
            f"other and both hold pictures ({some(len(inside), 'folder lies', 'folders lie')} "
            "so); if they show the "
            "same, put their pictures into one folder, and copies and previews elsewhere",
        )
