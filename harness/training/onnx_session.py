"""A session of onnxruntime with a model that makes an embedding of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.errors import UsageError
from harness.training.onnx_recipe import KEY, Recipe
from harness.training.preparation import own_threads

_BLOCK = 16
"""Images given to a model that takes any number."""

_LARGEST = 2 << 30
"""Bytes of a model file: protobuf's own limit; larger models keep their weights outside."""


@dataclass(frozen=True)
class Session:
    """A loaded model with what it takes and gives.

    Parameters
    ----------
    session
        Of onnxruntime.
    input, output
        Their names.
    recipe
        How pictures are prepared.
    block
        Images given to it at once; the last bits may depend on how many.
    file
        Of the model.
    """

    session: Any
    input: str
    output: str
    recipe: Recipe
    block: int
    file: Path

    def run(self, images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Return a row for every image of a block.

        Parameters
        ----------
        images
            As `recipe` prepares them, `block` of them: float32, four axes.

        Returns
        -------
        numpy.ndarray
            Floats, shape (block, ...).

        Raises
        ------
        UsageError
            If the model fails, or gives something else.
        """
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


def open_session(
    file: Path, *, data: str = "", output: str = "", size: Sequence[int] = (), **own: Any
) -> Session:
    """Load an ONNX model on the CPU, and agree on how pictures are prepared for it.

    Parameters
    ----------
    file
        Of the model.
    data
        File with its weights, where it keeps them outside.
    output
        Name of the output that is the template, if it has several.
    size
        Height and width of the pictures, or one number for both; empty for the model's own.
    **own
        Fields of a `Recipe` that win over what the file says, unless they are empty.

    Raises
    ------
    UsageError
        If it is no usable model, or what is asked for does not fit it.
    """
    import onnx
    import onnxruntime

    _check_model(file, data, onnx)
    options = onnxruntime.SessionOptions()
    # One thread, or as many as the harness gives a worker: sums depend on their number.
    options.intra_op_num_threads = own_threads()
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as reason:  # onnxruntime's own errors share no base class
        raise UsageError(f"{file} cannot be loaded by onnxruntime: {_first(reason)}") from None
    return _fitted(session, file, output, size, own)


def _fitted(
    session: Any, file: Path, output: str, size: Sequence[int], own: Mapping[str, Any]
) -> Session:
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
    names = [one.name for one in outputs]
    if output and output not in names:
        raise UsageError(f"{file} has no output {output!r}; it has: {', '.join(names)}")
    if not output and len(names) != 1:
        raise UsageError(
            f"{file} has several outputs ({', '.join(names)}); choose one with --param output=NAME"
        )
    recorded = session.get_modelmeta().custom_metadata_map.get(KEY)
    recipe = _recipe(recorded, given, file, size, own)
    count = given.shape[0]
    block = count if isinstance(count, int) and count > 0 else _BLOCK
    return Session(session, given.name, output or names[0], recipe, block, file)


def _recipe(
    recorded: str | None, given: Any, file: Path, size: Sequence[int], own: Mapping[str, Any]
) -> Recipe:
    """Return how pictures are prepared: parameters before file before the usual."""
    known: dict[str, Any] = {}
    if recorded is not None:
        try:
            known = msgspec.to_builtins(msgspec.json.decode(recorded, type=Recipe))
        except msgspec.DecodeError as reason:
            raise UsageError(f"{file}: its metadata {KEY!r} cannot be read: {reason}") from None
    known.update({name: value for name, value in own.items() if value})
    axes = given.shape[1:]
    last = axes[2] in (1, 3) and axes[0] not in (1, 3)
    layout = known.setdefault("layout", "nhwc" if last else "nchw")
    channels, *sides = (axes[2], axes[0], axes[1]) if layout == "nhwc" else axes
    known.setdefault("colour", "gray" if channels == 1 else "rgb")
    if len(size) > 2:
        raise UsageError(f"size has {len(size)} values; expected height and width")
    if size:
        known["height"], known["width"] = size[0], size[-1]
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
        faults.append(f"it takes {channels} channels, and {recipe.colour} has {recipe.channels}")
    if faults:
        raise UsageError(f"{file}: " + "; ".join(faults))
    return recipe


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
