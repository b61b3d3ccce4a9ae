"""What the process of a plugin may read and write: from the plugin, its parameters and the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.execution import fenced, readable
from harness.execution.fence import Rules
from harness.plugins.places import bundled
from harness.plugins.programs.command import PREFIX, command_of

KEPT = ("runs", "baselines", "fixtures", ".git")
"""Folders that hold truth or results by custom, beside the user and beside a plugin."""


WEIGHTS = (
    *(".onnx", ".pt", ".pth", ".ckpt", ".safetensors", ".h5", ".keras"),
    *(".caffemodel", ".pb", ".tflite", ".bin", ".data"),
)
"""How files of weights end: those alone may be named in a folder that is hidden, such as a run."""


def rules_for(
    file: Path,
    parameters: Mapping[str, Any],
    scratch: Path,
    *,
    command: str = "",
    environment: Mapping[str, str],
    hidden: Iterable[Path] = (),
    named: Iterable[Path] = (),
    writable: Iterable[Path] = (),
    memory: int = 0,
) -> Rules:
    """Return the rules for a plugin's process.

    It may read what lies beside the plugin and beside the files that its parameters name, but for
    data sets, runs and baselines. A default is a parameter, too, so that what an algorithm names by
    itself must not open these.

    Parameters
    ----------
    file
        Of the plugin.
    parameters
        Of the algorithm: those that are paths of files or folders.
    command
        Of a program: what its words name is as what parameters name.
    environment
        Of the process, which says where weights are kept.
    hidden
        Data sets and runs.
    named
        What may be read, wherever it lies.
    writable
        Folders that may be written, besides `scratch`.
    memory
        Bytes that each of its processes may ask for; 0 for no limit.
    """
    files = [Path(value) for value in parameters.values() if isinstance(value, str) and value]
    files += command_of(f"{PREFIX}{command}").files if command else ()
    there = [place for place in files if _exists(place)]
    weights = [
        place for place in there if place.is_file() and place.resolve().suffix.lower() in WEIGHTS
    ]
    kept = [place / name for name in KEPT for place in (Path.cwd(), file.resolve().parent)]
    fixtures = bundled("fixtures")
    places = [*hidden, fixtures, fixtures.parent / ".git", *kept]
    # Modules beside a plugin can be imported even where it lies in a data set's folder.
    modules = [
        path
        for path in file.resolve().parent.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    ]
    return Rules(
        scratch=str(scratch),
        readable=tuple(
            dict.fromkeys(
                [
                    *readable.beside(file),
                    *(str(place.resolve()) for place in there),
                    *(
                        path
                        for place in there
                        if place.is_file()
                        for path in readable.beside(place)
                    ),
                    *fenced.weights_places(environment),
                ]
            )
        ),
        named=tuple(str(place.resolve()) for place in [file, *modules, *weights, *named]),
        hidden=tuple(dict.fromkeys(str(p.resolve()) for p in places if _exists(p))),
        writable=tuple(str(place.resolve()) for place in writable),
        memory=memory,
    )


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # a text that is no path, too long for one
        return False
