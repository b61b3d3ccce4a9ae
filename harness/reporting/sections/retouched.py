"""The section on what a remover did: probe, retouched probe and truth side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.api import Remover
from harness.data.images import decode, encode_thumbnail
from harness.data.records import Record
from harness.errors import BadFile, HarnessError, some
from harness.execution.storage import PICTURES_FILE
from harness.execution.unit import RETOUCHING, SCORES, UNIT_FILE, Unit
from harness.record.files import LARGEST_LIST, is_regular, read_json
from harness.record.manifest import Manifest
from harness.reporting import wording
from harness.reporting.drawing.thumbnails import PICTURE_BYTES, SIDE, SMALLER, data_address
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.tasks.results import Judgement, Outcome

SHOWN = 4
"""Probes of each group."""


@dataclass(frozen=True)
class Shown:
    """One probe: three pictures as ``data:`` addresses, None where one is not at hand."""

    name: str
    words: str
    original: str | None
    retouched: str | None
    truth: str | None
    truth_words: str

    @property
    def weight(self) -> int:
        """Bytes of its pictures."""
        return sum(len(address or "") for address in (self.original, self.retouched, self.truth))


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no picture was retouched."""
    attacked = run.manifest.origin.attack is not None
    if not attacked and run.task.ability is not Remover:
        return None
    files = _retouched_files(run.folder)
    searches = run.outcome.searches
    chosen = _spread(searches) if attacked else _by_worth(searches)
    allowed = run.kept_for_attack or PICTURE_BYTES
    for side in (SIDE, *SMALLER):
        groups = [
            (heading, [_shown(search, files, run.records, side) for search in found])
            for heading, found in chosen
            if found
        ]
        if sum(row.weight for _, rows in groups for row in rows) <= allowed:
            break
    content = filled_from("retouched", intro=_intro(run.manifest), groups=groups)
    return Section("retouched", "Retouched pictures", content)


def as_shown(folder: Path, outcome: Outcome, records: Mapping[str, Record]) -> dict[str, Record]:
    """Return records whose pictures are those that the algorithm under test saw."""
    references = {c.reference for search in outcome.searches for c in search.candidates}
    found = dict(records)
    for name, file in _retouched_files(folder, RETOUCHING).items():
        if name in found and name not in references:
            found[name] = replace(found[name], path=file)
    return found


def _intro(manifest: Manifest) -> str:
    attack, done = manifest.origin.attack, manifest.retouched
    if attack is None or done is None:
        return (
            "What was given, what the algorithm made of it, and the same capture without the "
            "tattoo. Nothing is to be changed where there is no tattoo."
        )
    words = (
        f"{some(done.pictures, 'probe was', 'probes were')} retouched by {attack.algorithm} "
        "before the algorithm "
    )
    words += "saw them; references and training images were not. "
    if any(done.learned):
        least = f"{min(done.learned):,}"
        words += (
            f"It learned from images of {attack.protocol} ({least} at least) that share no tattoo, "
            "subject, capture or file with the probes it retouched. "
        )
    if done.gave_up:
        words += "It gave up on " + some(len(done.gave_up), "probe") + ", shown unchanged. "
    return words + "Only runs under the same attack can be ranked with this one."


def _retouched_files(folder: Path, prefix: str = "") -> dict[str, Path]:
    """Return the picture that a remover made of each probe, from the units of a run folder."""
    found: dict[str, Path] = {}
    for unit_file in sorted((folder / "units").glob(f"{prefix}*/{UNIT_FILE}")):
        place = unit_file.parent / SCORES
        if not (place / PICTURES_FILE).exists():
            continue
        called = unit_file.parent.relative_to(folder).as_posix()
        unit = read_json(folder, f"{called}/{UNIT_FILE}", Unit, LARGEST_LIST)
        if unit.ability != Remover.__name__:
            continue
        named = f"{called}/{SCORES}/{PICTURES_FILE}"
        files = read_json(folder, named, list[str | None], LARGEST_LIST)
        if len(files) != len(unit.probes):
            raise BadFile(folder / named, f"has {len(files):,} entries for {len(unit.probes):,}")
        for name, file in zip(unit.probes, files, strict=True):
            if file is not None and is_regular(folder, f"{called}/{SCORES}/{file}"):
                found.setdefault(name, place / file)
    return found


def _by_worth(searches: Sequence[Judgement]) -> list[tuple[str, Sequence[Judgement]]]:
    """Choose the best, the middle and the worst with a tattoo, and the most damaged without."""

    def worth(search: Judgement) -> tuple[float, str]:
        left = search.values.get("residual")
        return (1.0 if left is None else left, search.probe)

    def damage(search: Judgement) -> tuple[float, str]:
        return (-(search.values.get("change-untattooed") or 0.0), search.probe)

    tattooed = sorted((s for s in searches if s.truth == "tattoo"), key=worth)
    others = sorted((s for s in searches if s.truth != "tattoo"), key=damage)
    middle = max(0, len(tattooed) // 2 - SHOWN // 2)
    return [
        ("Least left of the tattoo", tattooed[:SHOWN]),
        ("In the middle", tattooed[middle : middle + SHOWN] if len(tattooed) > 2 * SHOWN else []),
        ("Most left of the tattoo", tattooed[-SHOWN:] if len(tattooed) > SHOWN else []),
        ("No tattoo, and most changed", others[:SHOWN]),
    ]


def _spread(searches: Sequence[Judgement]) -> list[tuple[str, Sequence[Judgement]]]:
    """Choose probes evenly over the run, those with a tattoo where that is known."""
    first = {s.probe: s for s in searches if s.truth != "non-tattoo"}
    ordered = [first[name] for name in sorted(first)]
    step = max(1, len(ordered) // (2 * SHOWN))
    return [("Evenly chosen", ordered[::step][: 2 * SHOWN])]


def _shown(
    search: Judgement, files: Mapping[str, Path], records: Mapping[str, Record], side: int
) -> Shown:
    known = records.get(search.probe)
    truth, truth_words = (None, "No truth known") if known is None else (known.clean, "Clean")
    if truth is None:
        mate = next((c.reference for c in search.candidates if c.mated), None)
        same = None if mate is not None else _same_tattoo(known, records)
        if mate is not None and mate in records:
            truth, truth_words = records[mate].path, "Mate"
        elif same is not None:
            truth, truth_words = same.path, "Same tattoo"
        elif search.truth == "non-tattoo" and known is not None:
            truth, truth_words = known.path, "As given"
    left, change = search.values.get("residual"), search.values.get("change-untattooed")
    words = ""
    if left is not None:
        words = f"{wording.percent(left, 0)} of the ink left"
    elif change is not None:
        words = f"changed by {change:.1f} levels"
    elif search.rank is not None:
        words = f"best mate at rank {search.rank:,}"
    elif search.score is not None:
        words = f"score {wording.score(search.score)}"
    return Shown(
        search.probe,
        words,
        _address(None if known is None else known.path, side),
        _address(files.get(search.probe), side),
        _address(truth, side),
        truth_words,
    )


def _same_tattoo(probe: Record | None, records: Mapping[str, Record]) -> Record | None:
    """Return another picture of a probe's tattoo, by name the first."""
    if probe is None or probe.tattoo is None:
        return None
    others = (r for r in records.values() if r.tattoo == probe.tattoo and r.name != probe.name)
    return min(others, key=lambda record: record.name, default=None)


def _address(file: Path | None, side: int) -> str | None:
    if file is None:
        return None
    try:
        return data_address(encode_thumbnail(decode(file), side))
    except (HarnessError, OSError):
        return None
