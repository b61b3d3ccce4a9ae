"""The census of the synthetic world: who wears which tattoo, and which picture shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.synthesis.streams import stream

from .media import MEDIA
from .negatives import NEGATIVES
from .styles import STYLES

__all__ = ["FOLDS", "SCALES", "USE_CASES", "Item", "Scale", "census", "mated_pairs"]

FOLDS = 5
USE_CASES = (
    "tattoo_identification",
    "region_of_interest",
    "mixed_media",
    "tattoo_similarity",
    "tattoo_verification",
    "tattoo_detection",
    "background",
)


@dataclass(frozen=True)
class Scale:
    """Counts of a data set and the longer side of its pictures in pixels, on average.

    Counts are probes and gallery; of `verification` tattoos and captures of each, of `detection`
    pictures with a tattoo and without one.
    """

    identification: tuple[int, int]
    region: tuple[int, int]
    mixed: tuple[int, int]
    similarity: tuple[int, int]
    verification: tuple[int, int]
    detection: tuple[int, int]
    background: int
    long_side: int


SCALES = {
    # Tatt-C's own counts; it has no part for verification.
    "full": Scale(
        identification=(157, 215),
        region=(297, 157),
        mixed=(181, 272),
        similarity=(851, 1361),
        verification=(500, 3),
        detection=(1349, 1000),
        background=4332,
        long_side=400,
    ),
    # A fifth of them; two fifths of mixed media, or a fold's gallery would have ten pictures.
    "mini": Scale(
        identification=(31, 43),
        region=(59, 31),
        mixed=(72, 109),
        similarity=(170, 272),
        verification=(125, 3),
        detection=(270, 200),
        background=866,
        long_side=136,
    ),
}


@dataclass(frozen=True)
class Item:
    """One picture of the data set and how to draw it.

    Attributes
    ----------
    use_case, role, fold : str, str, int
        Where it belongs; role is ``probe``, ``reference`` or ``background``; fold 0 is none.
    kind : str
        ``capture``, ``region``, ``medium`` or ``negative``.
    image : str
        File name.
    tattoo, subject, group : str
        Names; empty for a picture without a tattoo.
    style, media : str
        Style of the tattoo, and ``photo`` or the medium (or the kind of negative).
    take : str
        Name of the capture among those of the tattoo.
    later : float
        Years after the first capture.
    """

    use_case: str
    role: str
    fold: int
    kind: str
    image: str
    tattoo: str
    subject: str
    group: str
    style: str
    media: str
    take: str
    later: float

    @property
    def source(self) -> str:
        """Name of the photograph or drawing that the picture comes from."""
        return f"{self.tattoo}-{self.take}" if self.tattoo else self.take


def _even(total: int, parts: int = FOLDS) -> list[int]:
    return [total // parts + (k < total % parts) for k in range(parts)]


def _style_of(seed: int, name: str) -> str:
    names = tuple(STYLES)
    return names[int(stream(seed, "style", name).integers(len(names)))]


def _photo(
    seed: int, use_case: str, role: str, fold: int, name: str, take: str, **given: str
) -> Item:
    later = float(stream(seed, "later", name, take).gamma(2.0, 3.0)) if take != "a" else 0.0
    facts = {
        "kind": "capture",
        "subject": f"s-{name}",
        "group": f"g-{name}",
        "style": _style_of(seed, name),
        "media": "photo",
        **given,
    }
    return Item(
        use_case=use_case,
        role=role,
        fold=fold,
        image="",
        tattoo=name,
        take=take,
        later=round(later, 3),
        **facts,
    )


def _fold_by_gallery(mates: Sequence[int]) -> list[int]:
    """Return a fold 1..5 for each tattoo so that the folds' galleries are as even as can be."""
    full = [0] * FOLDS
    folds = [0] * len(mates)
    for k in sorted(range(len(mates)), key=lambda k: (-mates[k], k)):
        fold = full.index(min(full))
        full[fold] += mates[k]
        folds[k] = fold + 1
    return folds


def _identification(seed: int, scale: Scale) -> list[Item]:
    probes, gallery = scale.identification
    mates = [1 + (k < gallery - probes) for k in range(probes)]
    items: list[Item] = []
    use_case = "tattoo_identification"
    for k, fold in enumerate(_fold_by_gallery(mates)):
        name = f"id{k:04d}"
        items.append(_photo(seed, use_case, "probe", fold, name, "p"))
        items += [_photo(seed, use_case, "reference", fold, name, "ab"[m]) for m in range(mates[k])]
    return items


def _region(seed: int, scale: Scale) -> list[Item]:
    probes, gallery = scale.region
    items: list[Item] = []
    use_case = "region_of_interest"
    for k, fold in enumerate(_fold_by_gallery([1] * gallery)):
        name = f"roi{k:04d}"
        items.append(_photo(seed, use_case, "reference", fold, name, "a"))
        # Each region is cut from a capture of its own, never from the gallery's photograph.
        items += [
            _photo(seed, use_case, "probe", fold, name, "pqr"[p], kind="region")
            for p in range(probes // gallery + (k < probes % gallery))
        ]
    return items


def _mixed(seed: int, scale: Scale) -> list[Item]:
    probes, gallery = scale.mixed
    mates = [1 + (k < gallery - probes) for k in range(probes)]
    media = tuple(MEDIA)
    items: list[Item] = []
    for k, fold in enumerate(_fold_by_gallery(mates)):
        name = f"mm{k:04d}"
        medium = media[(k + k // FOLDS) % len(media)]
        items.append(
            _photo(seed, "mixed_media", "probe", fold, name, "m", kind="medium", media=medium)
        )
        items += [
            _photo(seed, "mixed_media", "reference", fold, name, "ab"[m]) for m in range(mates[k])
        ]
    return items


def _similarity(seed: int, scale: Scale) -> list[Item]:
    items: list[Item] = []
    use_case = "tattoo_similarity"
    number = 0
    for fold in range(1, FOLDS + 1):
        probes, gallery = (_even(n)[fold - 1] for n in scale.similarity)
        groups = gallery // 2
        for k in range(groups):
            group = f"g-sim{number:04d}"
            number += 1
            mates = 2 + (k < gallery % 2)
            searches = probes // groups + (k < probes % groups)
            for member in range(mates + searches):
                name = f"sim{number:04d}{'abcdef'[member]}"
                # Artists redraw an idea in its usual style about every second time.
                free = stream(seed, "restyle", name).random() < 0.55
                style = _style_of(seed, name if free else group)
                role = "reference" if member < mates else "probe"
                items.append(
                    _photo(seed, use_case, role, fold, name, "a", group=group, style=style)
                )
    return items


def _verification(seed: int, scale: Scale) -> list[Item]:
    """Several captures of every tattoo; every second one is a probe, the others are references."""
    tattoos, captures = scale.verification
    return [
        _photo(
            seed,
            "tattoo_verification",
            "probe" if m % 2 else "reference",
            k % FOLDS + 1,
            f"ver{k:04d}",
            "abcdefgh"[m],
        )
        for k in range(tattoos)
        for m in range(captures)
    ]


def _detection(seed: int, scale: Scale) -> list[Item]:
    tattoos, others = scale.detection
    use_case = "tattoo_detection"
    items = [
        _photo(seed, use_case, "probe", k % FOLDS + 1, f"det{k:04d}", "a") for k in range(tattoos)
    ]
    kinds: list[str] = []
    shares = {kind: share for kind, (share, _) in NEGATIVES.items()}
    for k in range(others):
        # The kind that lags most behind its share comes next.
        kinds.append(max(shares, key=lambda kind: shares[kind] * (k + 1) - kinds.count(kind)))
    order = stream(seed, "negative folds").permutation(others)
    for k, kind in enumerate(kinds):
        fold = int(order[k]) % FOLDS + 1
        items.append(
            Item(
                use_case,
                "probe",
                fold,
                "negative",
                "",
                "",
                "",
                "",
                "",
                kind,
                f"no{k:04d}-{kind}",
                0.0,
            )
        )
    return items


def _named(seed: int, items: Sequence[Item], prefix: str) -> list[Item]:
    """Return items with file names that tell nothing about what they show."""
    numbers = stream(seed, "names", prefix).permutation(len(items))
    named = [
        replace(item, image=f"{prefix}{int(n) + 1:05d}.jpg")
        for item, n in zip(items, numbers, strict=True)
    ]
    return sorted(named, key=lambda item: item.image)


def census(seed: int, scale: str) -> list[Item]:
    """Return every picture of a data set, ordered by use case and file name.

    Parameters
    ----------
    seed : int
        Seed of the world.
    scale : str
        One of `SCALES`.

    Returns
    -------
    list of Item
        Folds are disjoint by tattoo, group and subject.

    Examples
    --------
    >>> sum(item.use_case == "background" for item in census(0, "mini"))
    866
    """
    counts = SCALES[scale]
    background = [
        _photo(seed, "background", "background", 0, f"bg{k:04d}", "a")
        for k in range(counts.background)
    ]
    return [
        *_named(seed, _identification(seed, counts), "ti"),
        *_named(seed, _region(seed, counts), "roi"),
        *_named(seed, _mixed(seed, counts), "mm"),
        *_named(seed, _similarity(seed, counts), "ts"),
        *_named(seed, _verification(seed, counts), "tv"),
        *_named(seed, _detection(seed, counts), "td"),
        *_named(seed, background, "bg"),
    ]


def mated_pairs(items: Sequence[Item]) -> list[tuple[str, str]]:
    """Return (probe, gallery) file names of the mates within one use case, sorted.

    Mates show the same tattoo, or in similarity another design of the same group.
    """

    def identity(item: Item) -> str:
        return item.group if item.use_case == "tattoo_similarity" else item.tattoo

    gallery: dict[str, list[str]] = {}
    for item in items:
        if item.role == "reference":
            gallery.setdefault(identity(item), []).append(item.image)
    pairs = [
        (item.image, mate)
        for item in items
        if item.role == "probe"
        for mate in gallery.get(identity(item), [])
    ]
    return sorted(pairs)
