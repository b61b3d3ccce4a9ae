"""The environment of a process: everything beside the recipe that can change the bits of a result.

One recipe gives other trained bits with other CPU features, BLAS kernels, thread numbers, library
versions or devices. So a worker says after its work in what environment it was, and a run keeps
that. What cannot change a bit (host name, load, where files lie) is not in it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pillow": "PIL",
    "opencv-python-headless": "cv2",
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "onnxruntime": "onnxruntime",
    "torch": "torch",
    "torchvision": "torchvision",
    "tensorflow": "tensorflow",
    "keras": "keras",
}
"""Distributions, with their modules, whose versions are recorded if the process loaded them."""

SETTINGS = re.compile(
    r"ATEN_CPU_CAPABILITY|ONEDNN_\w+|DNNL_\w+|OPENBLAS_CORETYPE|MKL_(CBWR|ENABLE_INSTRUCTIONS|"
    r"DEBUG_CPU_TYPE|DYNAMIC)|BLIS_\w+|NPY_(DISABLE|ENABLE)_CPU_FEATURES|OPENCV_CPU_DISABLE|"
    r"OPENCV_IPP|TF_(ENABLE_ONEDNN_OPTS|DETERMINISTIC_OPS|CUDNN_\w+)|TF32_\w+|NVIDIA_TF32_OVERRIDE|"
    r"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE|CUBLAS_WORKSPACE_CONFIG|XLA_FLAGS|"
    r"GLIBC_TUNABLES"
)
"""Environment variables that choose instructions and kernels."""

THREADS = "OMP_NUM_THREADS"
"""The variable from which the number of threads is read; the harness sets all others like it."""


_FIXED = ("inside", "system", "processor", "features", "settings", "threads", "python")
"""Fields that are known as soon as a process has started."""


class Environment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process computed in; two that are equal are expected to give the same bits.

    Parameters
    ----------
    system
        Operating system, machine type and C library.
    processor
        Model of the CPU.
    features
        Instruction sets that NumPy found usable, such as ``AVX2``.
    settings
        The `SETTINGS` that were set.
    threads
        That the process was allowed; 0 where nobody said.
    python
        Version.
    libraries
        Versions by distribution, of those loaded.
    kernels
        What the loaded libraries chose for this CPU, such as ``openblas 0.3.29: Haswell``.
    pools
        Threads of the pools that the libraries opened, such as ``openblas 1``.
    device
        Accelerators that were used, with their driver; empty for the CPU alone.
    inside
        Whether the work was done inside the harness, beside whatever else that does.
    """

    system: str = ""
    processor: str = ""
    features: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    threads: int = 0
    python: str = ""
    libraries: dict[str, str] = {}
    kernels: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    device: str = ""
    inside: bool = False

    @property
    def hash(self) -> str:
        """SHA-256 over its JSON with sorted keys."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def short(self) -> str:
        """The first digits of the hash, for names of folders."""
        return self.hash[:6]


def environment_of_process(*, inside: bool = False) -> Environment:
    """Return the environment of this process, with whatever it has loaded until now.

    Called after the work, since libraries are loaded and threads started where they are needed.

    Parameters
    ----------
    inside
        Whether this process is the harness itself.
    """
    features = _features()
    kernels, pools = _pools()
    return Environment(
        system=_system(),
        processor=processor(),
        features=features,
        settings={k: v for k, v in sorted(os.environ.items()) if SETTINGS.fullmatch(k)},
        threads=_whole(os.environ.get(THREADS, "")),
        python=platform.python_version(),
        libraries=_versions(name for name, module in LIBRARIES.items() if module in sys.modules),
        kernels=tuple(sorted({*kernels, *_chosen()})),
        pools=tuple(sorted(set(pools))),
        device=_device(),
        inside=inside,
    )


def agrees(recorded: Environment, now: Environment) -> bool:
    """Say whether work done in a recorded environment would be done in the same one now.

    Parameters
    ----------
    recorded
        Of a process after its work.
    now
        Of a process that has not loaded everything yet. The libraries that were loaded then must
        have the versions that they had; what they choose on one processor follows from that.
    """
    return (
        all(getattr(recorded, name) == getattr(now, name) for name in _FIXED)
        and _versions(recorded.libraries) == recorded.libraries
        and (not recorded.device or driver() in recorded.device)
    )


def together(environments: Mapping[str, Environment]) -> list[tuple[Environment, list[str]]]:
    """Return the environments that units of work were done in, each with its units.

    Processes of one run load different libraries. Two that contradict each other in nothing were
    in one environment, of which either saw a part.

    Parameters
    ----------
    environments
        By the name of the unit.
    """
    found: list[tuple[Environment, list[str]]] = []
    for unit, one in environments.items():
        for i, (known, units) in enumerate(found):
            if _consistent(known, one):
                found[i] = (_joined(known, one), [*units, unit])
                break
        else:
            found.append((one, [unit]))
    return found


def hash_of(environments: Sequence[tuple[Environment, Sequence[str]]]) -> str:
    """Return one hash for what `together` returns: that of the only one, where there is one.

    Returns
    -------
    str
        64 hexadecimal digits; empty without units.
    """
    hashes = [(one.hash, sorted(units)) for one, units in environments]
    if len(hashes) < 2:
        return hashes[0][0] if hashes else ""
    return hashlib.sha256(msgspec.json.encode(sorted(hashes))).hexdigest()


def _consistent(one: Environment, other: Environment) -> bool:
    return (
        all(getattr(one, name) == getattr(other, name) for name in _FIXED)
        and all(other.libraries.get(k, v) == v for k, v in one.libraries.items())
        and (one.device == other.device or not (one.device and other.device))
    )


def _joined(one: Environment, other: Environment) -> Environment:
    return msgspec.structs.replace(
        one,
        libraries=dict(sorted({**one.libraries, **other.libraries}.items())),
        kernels=tuple(sorted({*one.kernels, *other.kernels})),
        pools=tuple(sorted({*one.pools, *other.pools})),
        device=one.device or other.device,
    )


@cache
def processor() -> str:
    """Return the model of the CPU."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        for names in (("model name",), ("CPU implementer", "CPU part", "CPU revision")):
            found = [re.search(rf"^{name}\s*:\s*(.+)$", text, re.MULTILINE) for name in names]
            if all(found):
                return " ".join(one[1].strip() for one in found if one)
    return platform.processor() or platform.machine()


@cache
def driver() -> str:
    """Return the version of the NVIDIA driver; empty without one."""
    with suppress(OSError):
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", text)
        return f"driver {found[0]}" if found else ""
    return ""


@cache
def _system() -> str:
    library = " ".join(word for word in platform.libc_ver() if word)
    return ", ".join(word for word in (platform.system(), platform.machine(), library) if word)


def _features() -> tuple[str, ...]:
    try:
        found = importlib.import_module("numpy._core._multiarray_umath")
    except ImportError:
        return ()
    features: dict[str, bool] = getattr(found, "__cpu_features__", {})
    return tuple(sorted(name for name, usable in features.items() if usable))


def harness_version() -> str:
    """Return the installed version, or ``unknown`` in a checkout that was never installed."""
    try:
        return importlib.metadata.version("tattoo-harness")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _versions(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in sorted(names):
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _pools() -> tuple[list[str], list[str]]:
    """Return kernels and threads of the BLAS and OpenMP libraries that are loaded."""
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    kernels, pools = [], []
    for pool in threadpool_info():
        name = str(pool["internal_api"])
        version, kernel = pool.get("version"), pool.get("architecture")
        if version or kernel:
            kernels.append(f"{name} {version}: {kernel}" if kernel else f"{name} {version}")
        pools.append(f"{name} {pool['num_threads']}")
    return kernels, pools


def _chosen() -> list[str]:
    """Return what torch chose for this CPU."""
    torch: Any = sys.modules.get("torch")
    found = []
    if torch is not None:
        with suppress(AttributeError):
            found.append(f"torch: {torch.backends.cpu.get_cpu_capability()}")
    return found


def _device() -> str:
    """Return the accelerators that this process used, as torch names them."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_initialized():
        return ""
    names = sorted({torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())})
    facts = [*names, driver(), f"CUDA {torch.version.cuda}", f"cuDNN {_cudnn(torch)}"]
    return ", ".join(fact for fact in facts if fact)


def _cudnn(torch: Any) -> str:
    with suppress(AttributeError, RuntimeError):
        return str(torch.backends.cudnn.version())
    return "unknown"


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0
