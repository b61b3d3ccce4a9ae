"""Results of steps on disk: whole or absent, and never a pickle."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.api import FailureToEnroll, Template, unit_rows
from harness.data.whole_files import named, part_of, to_disk
from harness.plugins.programs.remarks import Box
from harness.tasks.answers import Answer, PictureAnswer, StreamedAnswer

if TYPE_CHECKING:
    from harness.matching import MatchResult

STEP_FILE = "step.json"
MATCHING_FILE = "matching.safetensors"
PICTURES_FILE = "pictures.json"
REMARKS_FILE = "remarks.json"
_MATCHING_ARRAYS = (
    "ranks",
    "mates",
    "precision",
    "best_mate",
    "best_nonmate",
    "best_mate_reference",
    "candidate_scores",
    "candidate_references",
    "mated_scores",
)


_MARGINS = ("marks", "probes", "references", "compared_probes", "compared_references")
_TAIL = ("scores", "probes", "references")


class Remarks(msgspec.Struct, omit_defaults=True):
    """What was said beside the answers of a step, by the names of images.

    Parameters
    ----------
    quality
        Of templates, in [0, 1]; higher is better.
    boxes
        Where tattoos were detected.
    """

    quality: dict[str, float] = {}
    boxes: dict[str, list[Box]] = {}

    def save(self, folder: Path) -> None:
        """Store it beside the answers: nothing where nothing was said."""
        if self.quality or self.boxes:
            text = msgspec.json.encode(self, order="sorted")
            (folder / REMARKS_FILE).write_bytes(text + b"\n")


def load_remarks(folder: Path) -> Remarks:
    """Read what was said beside the answers of a step: nothing where no file is.

    Raises
    ------
    OSError, msgspec.DecodeError
        If the file is not what was written.
    """
    file = folder / REMARKS_FILE
    return msgspec.json.decode(file.read_bytes(), type=Remarks) if file.exists() else Remarks()


def smallest(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return whole numbers from 0, of any shape, as 32 bits where those do; others as they are."""
    if array.dtype.kind not in "iu" or array.max(initial=0) >= 1 << 32:
        return array
    return array.astype(np.uint32)


@contextmanager
def whole(target: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary folder that becomes `target` in one step when the block ends well.

    A process killed half-way leaves only the temporary folder: see `discard_parts`. What is
    `durable` has left this machine's memory by then.
    """
    part = target.with_name(part_of(target.name))
    part.mkdir(parents=True)
    started = time.perf_counter()
    try:
        yield part
        record_step(part, seconds=time.perf_counter() - started)
        if durable:
            for place in (*part.rglob("*"), part):
                to_disk(place)
        part.rename(target)
        if durable:
            to_disk(target.parent)
    except OSError as reason:
        # What is half written takes room.
        shutil.rmtree(part, ignore_errors=True)
        raise (reason if reason.filename else named(reason, target)) from None


def discard_parts(folder: Path) -> None:
    """Remove what processes killed half-way left below a folder; none may be at work there."""
    for left in list(folder.rglob("*.part-*")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def record_step(folder: Path, **facts: Any) -> None:
    """Add facts (seconds, items, environment) to what a step's folder says about itself."""
    path = folder / STEP_FILE
    known = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    path.write_bytes(msgspec.json.encode(known | facts, order="sorted"))


def save_templates(
    folder: Path, names: Sequence[str], templates: Sequence[Template | FailureToEnroll]
) -> None:
    """Store templates and failures; vectors of one shape as one array, others one by one."""
    made: list[tuple[str, Template]] = []
    failures: dict[str, str] = {}
    for name, template in zip(names, templates, strict=True):
        if isinstance(template, FailureToEnroll):
            failures[name] = str(template) or "no reason given"
        else:
            made.append((name, template))
    arrays = [t for _, t in made if isinstance(t, np.ndarray)]
    stacked = len(arrays) == len(made) and len({(a.shape, a.dtype.str) for a in arrays}) == 1
    tensors: dict[str, npt.NDArray[Any]] = {}
    if stacked:
        tensors["vectors"] = np.stack(arrays)
    else:
        for i, (_, template) in enumerate(made):
            parts = template if isinstance(template, dict) else {"": template}
            for part, array in parts.items():
                tensors[f"{i}/{part}"] = np.ascontiguousarray(array)
    _save_tensors(tensors, folder / "templates.safetensors")
    index = {"names": [name for name, _ in made], "failures": failures, "stacked": stacked}
    (folder / "index.json").write_bytes(msgspec.json.encode(index))


def _save_tensors(tensors: dict[str, npt.NDArray[Any]], file: Path) -> None:
    """Write arrays; what the system refuses is an `OSError` as it is elsewhere."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(tensors, file)
    except SafetensorError as reason:
        code = re.search(r"os error (\d+)", str(reason))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(file)) from None


def load_templates(folders: Sequence[Path]) -> tuple[dict[str, Template], dict[str, str]]:
    """Read templates and failure reasons by name from several folders."""
    from safetensors.numpy import load_file

    templates: dict[str, Template] = {}
    for folder in folders:
        index = msgspec.json.decode((folder / "index.json").read_bytes())
        tensors = load_file(folder / "templates.safetensors")
        if index["stacked"]:
            templates.update(zip(index["names"], tensors["vectors"], strict=True))
            continue
        parts: dict[int, dict[str, npt.NDArray[Any]]] = {}
        for key, array in tensors.items():
            number, part = key.split("/", 1)
            parts.setdefault(int(number), {})[part] = array
        for i, name in enumerate(index["names"]):
            template = parts.get(i, {})
            templates[name] = template[""] if set(template) == {""} else template
    return templates, load_failures(folders)


def some_templates(
    folders: Sequence[Path], names: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Read the vector templates of a few images from folders that hold many.

    Each comes with its image's name, in the shape (dimension,) and the dtype that were stored.
    Templates that are no vectors of one length are left out.
    """
    from safetensors import safe_open

    wanted = set(names)
    for folder in folders:
        index = msgspec.json.decode((folder / "index.json").read_bytes())
        rows = [(i, name) for i, name in enumerate(index["names"]) if name in wanted]
        if not rows or not index["stacked"]:
            continue
        with safe_open(folder / "templates.safetensors", framework="numpy") as file:
            vectors = file.get_slice("vectors")
            for i, name in rows:
                yield name, np.asarray(vectors[i : i + 1])[0]


def save_scores(
    folder: Path, scores: npt.NDArray[np.floating[Any]], failures: Mapping[str, str]
) -> None:
    """Store the raw scores of a fold, NaN where an image failed, and why it failed.

    Parameters
    ----------
    folder
        Of the fold.
    scores
        Floating point, shape (probes,), or (probes, references), or (probes, tags).
    failures
        Reasons by the image's name.
    """
    np.save(folder / "scores.npy", scores, allow_pickle=False)
    _save_failures(folder, failures)


def save_matching(folder: Path, matching: MatchResult, failures: Mapping[str, str]) -> None:
    """Store what streaming made of the scores of a fold, and why images failed."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    plain: dict[str, Any] = {}
    for name in _MATCHING_ARRAYS:
        arrays[name] = getattr(matching, name)
    arrays["top_scores"], arrays["top_counts"] = matching.top
    if matching.margins is not None:
        for name in _MARGINS:
            arrays[f"margin_{name}"] = smallest(getattr(matching.margins, name))
    if matching.tail is not None:
        for name in _TAIL:
            arrays[f"tail_{name}"] = smallest(getattr(matching.tail, name))
        plain["tail_floor"] = matching.tail.floor
    if matching.histogram is not None:
        arrays["bin_threshold"] = matching.histogram.threshold
        arrays["bin_counts"] = matching.histogram.counts
    # Of an array that is turned round, safetensors 0.8 writes memory that is not its own.
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name in ("nonmated_count", "eer", "passes", "place_free"):
        plain[name] = getattr(matching, name)
    plain["score_to_exceed"] = [[fmr, bar] for fmr, bar in matching.score_to_exceed.items()]
    _save_tensors(arrays, folder / MATCHING_FILE)
    (folder / "matching.json").write_text(json.dumps(plain), encoding="utf-8")
    _save_failures(folder, failures)


def save_picture(folder: Path, index: int, pixels: npt.NDArray[Any]) -> str:
    """Store the picture that answers for a probe without loss, and return its file's name.

    Parameters
    ----------
    pixels
        As for `levels_of`.
    """
    import PIL.Image

    name = f"{index:06d}.png"
    PIL.Image.fromarray(levels_of(pixels)).save(folder / name, compress_level=4)
    return name


def levels_of(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return what is kept of a picture.

    Parameters
    ----------
    pixels
        Shape (height, width, 3) for RGB or (height, width) for a mask: uint8, or floating point in
        [0, 1], of which 256 levels are kept, .5 rounded up.

    Returns
    -------
    numpy.ndarray
        uint8, in the same shape.
    """
    if pixels.dtype.kind == "f":
        pixels = np.floor(pixels.astype(np.float64) * 255 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def save_pictures(folder: Path, files: Sequence[str | None], failures: Mapping[str, str]) -> None:
    """Store which picture answers for which probe, and why probes failed."""
    (folder / PICTURES_FILE).write_text(json.dumps(list(files)), encoding="utf-8")
    _save_failures(folder, failures)


def load_answer(folder: Path) -> Answer:
    """Read what `save_scores`, `save_matching` or `save_pictures` wrote.

    Raises
    ------
    OSError, ValueError
        If a file is missing or is not what was written.
    """
    failures: dict[str, str] = json.loads((folder / "failures.json").read_text(encoding="utf-8"))
    if (folder / PICTURES_FILE).exists():
        files = msgspec.json.decode((folder / PICTURES_FILE).read_bytes(), type=list[str | None])
        if any(file is not None and Path(file).name != file for file in files):
            raise ValueError(f"{folder / PICTURES_FILE}: names files outside its folder")
        pictures = tuple(None if file is None else folder / file for file in files)
        return PictureAnswer(np.empty((0,)), failures, files=pictures)
    if not (folder / MATCHING_FILE).exists():
        scores = np.load(folder / "scores.npy", allow_pickle=False)
        return Answer(scores, failures, load_remarks(folder).boxes)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from harness.matching import Histogram, MatchResult, ScoreMargins, Tail

    try:
        arrays = load_file(folder / MATCHING_FILE)
        plain = json.loads((folder / "matching.json").read_text(encoding="utf-8"))
        matching = MatchResult(
            **{name: arrays[name] for name in _MATCHING_ARRAYS},
            **{name: plain[name] for name in ("nonmated_count", "eer", "passes", "place_free")},
            score_to_exceed=dict(plain["score_to_exceed"]),
            tail=(
                Tail(float(plain["tail_floor"]), *(arrays[f"tail_{name}"] for name in _TAIL))
                if "tail_floor" in plain
                else None
            ),
            margins=(
                ScoreMargins(*(arrays[f"margin_{name}"] for name in _MARGINS))
                if "margin_marks" in arrays
                else None
            ),
            histogram=(
                Histogram(arrays["bin_threshold"], arrays["bin_counts"])
                if "bin_counts" in arrays
                else None
            ),
            top=(arrays["top_scores"], arrays["top_counts"]),
        )
    except (SafetensorError, KeyError, TypeError) as reason:
        raise ValueError(f"{folder / MATCHING_FILE}: {reason}") from None
    return StreamedAnswer(np.empty((0, 0)), failures, matching=matching)


def _save_failures(folder: Path, failures: Mapping[str, str]) -> None:
    text = json.dumps(dict(failures), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "failures.json").write_text(text + "\n", encoding="utf-8")


def load_failures(folders: Sequence[Path]) -> dict[str, str]:
    """Read why images have no template, by name."""
    failures: dict[str, str] = {}
    for folder in folders:
        failures.update(msgspec.json.decode((folder / "index.json").read_bytes())["failures"])
    return failures


def gather_vectors(
    folders: Sequence[Path], names: Sequence[str], file: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Put vector templates of several folders into one mapped file, each scaled to length 1.

    Parameters
    ----------
    folders
        With templates, as `save_templates` wrote them.
    names
        Whose templates are wanted, in this order.
    file
        To be written; it stays mapped.

    Returns
    -------
    tuple
        float32, shape (names, dimension), and bool, shape (names,): who has no template.

    Raises
    ------
    TypeError
        If templates are not vectors of one length.
    """
    from safetensors.numpy import load_file

    place = {name: i for i, name in enumerate(names)}
    vectors: npt.NDArray[np.float32] | None = None
    failed = np.ones(len(names), dtype=bool)
    for folder in folders:
        index = msgspec.json.decode((folder / "index.json").read_bytes())
        wanted = [(i, place[name]) for i, name in enumerate(index["names"]) if name in place]
        if not wanted:
            continue
        if not index["stacked"]:
            raise TypeError("cosine similarity needs vector templates of one length")
        rows = load_file(folder / "templates.safetensors")["vectors"]
        rows = rows.reshape(len(rows), -1)
        if vectors is None:
            shape = (len(names), rows.shape[1])
            vectors = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
        if rows.shape[1] != vectors.shape[1]:
            raise TypeError("cosine similarity needs vector templates of one length")
        read, written = (np.array(part) for part in zip(*wanted, strict=True))
        vectors[written] = unit_rows(list(rows[read]))
        failed[written] = False
    return np.zeros((len(names), 1), np.float32) if vectors is None else vectors, failed
