"""Any ONNX model from image to embedding as an entry: `--param model=FILE`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from harness import Image, Matcher, Scores, Template, parameter
from harness.errors import UsageError
from harness.training.onnx_recipe import KEY, Recipe

_BLOCK = 16
"""Images given to a model that takes any number; the last bits may depend on how many."""

_LARGEST = 2 << 30
"""Bytes of a model file: protobuf's own limit; larger models keep their weights outside."""


@dataclass
class Onnx(Matcher):
    """Template by an ONNX model, run by onnxruntime on the CPU.

    A file that ``harness export --format onnx`` wrote says by itself how a picture is prepared and
    how templates are compared. What other files do not say is given by the parameters, which win
    over the file: by default RGB in [0, 1], as large as the model's input, and cosine similarity.
    """

    model: str = parameter("", "The ONNX file.", required=True)
    data: str = parameter("", "File with the weights, where the model keeps them outside.")
    output: str = parameter("", "Name of the output that is the template, if it has several.")
    size: tuple[int, ...] = parameter(
        (), "Height and width of the input in pixels; one number for a square."
    )
    colour: str = parameter("", "Order of channels.", choices=("", "rgb", "bgr", "gray"))
    layout: str = parameter("", "Order of axes.", choices=("", "nchw", "nhwc"))
    scale: float = parameter(
        0.0, "Pixels (0 to 255) are divided by it; 0: as the file says.", minimum=0
    )
    mean: tuple[float, ...] = parameter((), "Subtracted then, per channel or from all.")
    std: tuple[float, ...] = parameter((), "Divides what is left.")
    comparison: str = parameter("", "Of templates.", choices=("", "cosine", "euclidean"))

    citation: ClassVar[str] = "ONNX, onnx.ai; ONNX Runtime, onnxruntime.ai"

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template]:
        """Run the model on blocks of one size, so that no template depends on its batch.

        Raises
        ------
        UsageError
            If the file is no usable model, or the parameters do not fit it.
        """
        session = self._session()
        templates: list[Template] = []
        for start in range(0, len(images), session.block):
            prepared = session.recipe.prepare(images[start : start + session.block])
            full = np.zeros((session.block, *prepared.shape[1:]), np.float32)
            full[: len(prepared)] = prepared
            rows = session.run(full)
            templates.extend(row.ravel().copy() for row in rows[: len(prepared)])
        return templates

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score by cosine similarity, or by minus the Euclidean distance."""
        if self._session().recipe.comparison == "cosine":
            return super().compare(probes, references)
        from scipy.spatial.distance import cdist

        if not len(probes) or not len(references):
            return np.zeros((len(probes), len(references)))
        rows, columns = (np.asarray(side, np.float64) for side in (probes, references))
        scores: Scores = 0.0 - cdist(rows, columns)
        return scores

    def _session(self) -> _Session:
        """Return the loaded model; it is loaded once."""
        found = vars(self).get("_loaded")
        if found is None:
            found = self._loaded = self._load()
        loaded: _Session = found
        return loaded

    def _load(self) -> _Session:
        if not self.model:
            raise UsageError("onnx needs a model: name the file with --param model=FILE")
        import onnx
        import onnxruntime

        file = Path(self.model)
        _check_model(file, self.data, onnx)
        options = onnxruntime.SessionOptions()
        # One thread, or as many as the harness gives a worker: sums depend on their number.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as reason:  # onnxruntime's own errors share no base class
            raise UsageError(f"{file} cannot be loaded by onnxruntime: {_first(reason)}") from None
        return self._fitted(session, file)

    def _fitted(self, session: Any, file: Path) -> _Session:
        """Agree on input, output and recipe of a loaded model."""
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1:
            raise UsageError(
                f"{file} has {len(inputs)} inputs ({', '.join(i.name for i in inputs)}); "
                "expected one, the images"
            )
        (given,) = inputs
        if given.type != "tensor(float)" or len(given.shape) != 4:
            raise UsageError(
                f"{file}: input {given.name!r} is {given.type} of shape {given.shape}; expected "
                "float32 with four axes: images, channels and pixels"
            )
        names = [output.name for output in outputs]
        if self.output and self.output not in names:
            raise UsageError(f"{file} has no output {self.output!r}; it has: {', '.join(names)}")
        if not self.output and len(names) != 1:
            raise UsageError(
                f"{file} has several outputs ({', '.join(names)}); choose one with "
                "--param output=NAME"
            )
        recipe = self._recipe(session.get_modelmeta().custom_metadata_map.get(KEY), given, file)
        count = given.shape[0]
        block = count if isinstance(count, int) and count > 0 else _BLOCK
        return _Session(session, given.name, self.output or names[0], recipe, block, file)

    def _recipe(self, recorded: str | None, given: Any, file: Path) -> Recipe:
        """Return how pictures are prepared: parameters before file before the usual."""
        known: dict[str, Any] = {}
        if recorded is not None:
            try:
                known = msgspec.to_builtins(msgspec.json.decode(recorded, type=Recipe))
            except msgspec.DecodeError as reason:
                raise UsageError(f"{file}: its metadata {KEY!r} cannot be read: {reason}") from None
        own = {
            "colour": self.colour,
            "layout": self.layout,
            "scale": self.scale,
            "mean": self.mean,
            "std": self.std,
            "comparison": self.comparison,
        }
        known.update({name: value for name, value in own.items() if value})
        axes = given.shape[1:]
        last = axes[2] in (1, 3) and axes[0] not in (1, 3)
        layout = known.setdefault("layout", "nhwc" if last else "nchw")
        channels, *sides = (axes[2], axes[0], axes[1]) if layout == "nhwc" else axes
        known.setdefault("colour", "gray" if channels == 1 else "rgb")
        if len(self.size) > 2:
            raise UsageError(f"size has {len(self.size)} values; expected height and width")
        if self.size:
            known["height"], known["width"] = self.size[0], self.size[-1]
        for name, side in zip(("height", "width"), sides, strict=True):
            if isinstance(side, int) and known.setdefault(name, side) != side:
                raise UsageError(f"{file} takes images of {name} {side}, not {known[name]}")
        if "height" not in known or "width" not in known:
            raise UsageError(
                f"{file} takes images of any size; say with --param size=HEIGHT,WIDTH which"
            )
        recipe = msgspec.convert(known, Recipe)
        faults = recipe.faults()
        if isinstance(channels, int) and channels != recipe.channels:
            faults.append(
                f"it takes {channels} channels, and {recipe.colour} has {recipe.channels}"
            )
        if faults:
            raise UsageError(f"{file}: " + "; ".join(faults))
        return recipe


@dataclass(frozen=True)
class _Session:
    """A loaded model with what it takes and gives."""

    session: Any
    input: str
    output: str
    recipe: Recipe
    block: int
    file: Path

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Return a row for every image of a block."""
        try:
            (rows,) = self.session.run([self.output], {self.input: images})
        except Exception as reason:  # onnxruntime's own errors share no base class
            raise UsageError(f"{self.file} failed on an image: {_first(reason)}") from None
        if not isinstance(rows, np.ndarray) or rows.dtype.kind != "f" or rows.ndim < 2:
            raise UsageError(f"{self.file}: output {self.output!r} is no array of float rows")
        if len(rows) != len(images):
            raise UsageError(
                f"{self.file}: output {self.output!r} has {len(rows)} rows for {len(images)} "
                "images; expected one template each"
            )
        return rows


def _check_model(file: Path, data: str, onnx: Any) -> None:
    """Refuse a file that is no sound model, or that leads elsewhere."""
    try:
        if file.stat().st_size > _LARGEST:
            raise UsageError(f"{file} is larger than 2 GB; keep its weights outside (data=FILE)")
        _check_outside(onnx.load_model(file, load_external_data=False), file, data)
        # By its path, for models whose weights are outside: where they are is known to be safe now.
        onnx.checker.check_model(str(file))
    except OSError as reason:
        raise UsageError(f"cannot read the model {file}: {reason.strerror or reason}") from None
    except UsageError:
        raise
    except Exception as reason:  # protobuf's and the checker's errors share no base class
        raise UsageError(f"{file} is not a sound ONNX model: {_first(reason)}") from None


def _check_outside(model: Any, file: Path, data: str) -> None:
    """Allow weights outside the model in one file beside it only, and only if it is named.

    A name makes its hash part of the run's identity, as the model's is.
    """
    places = set()
    for tensor in _tensors(model):
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if entries or tensor.data_location == type(tensor).EXTERNAL:
            places.add(entries.get("location", ""))
    root = file.resolve().parent
    for place in sorted(places):
        steps = {*PurePosixPath(place).parts, *PureWindowsPath(place).parts}
        windows = PureWindowsPath(place)
        rooted = place.startswith("/") or bool(windows.drive or windows.root)
        outside = not (root / place).resolve().is_relative_to(root)
        if not place or ".." in steps or rooted or outside:
            raise UsageError(
                f"{file} wants weights from {place!r}, which is not in its own folder; refused"
            )
        if not data:
            raise UsageError(
                f"{file} keeps weights in {place!r}: name that file, too, with "
                f"--param data={file.parent / place}, so that its hash is part of the run"
            )
        if Path(data).resolve() != (root / place).resolve():
            raise UsageError(f"{file} keeps weights in {root / place}, not in data={data}")
        if not (root / place).is_file():
            raise UsageError(f"{file} keeps weights in {root / place}, which does not exist")
    if data and not places:
        raise UsageError(f"{file} keeps no weights outside, so data={data} would not be used")


def _tensors(message: Any) -> Iterator[Any]:
    """Find every tensor of a model, wherever it is: in subgraphs, functions and attributes."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        several = value if hasattr(value, "__len__") else [value]
        for one in several:
            if one.DESCRIPTOR.name == "TensorProto":
                yield one
            else:
                yield from _tensors(one)


def _first(reason: BaseException) -> str:
    """Return the first line of what a library says."""
    said = str(reason).strip().splitlines()
    return said[0][:300] if said else type(reason).__name__
