"""Environment variables of a worker."""

from __future__ import annotations

import os


def variables(threads: int) -> dict[str, str]:
    """Return the variables of a worker: this process's, with its threads capped.

    They must be set before a framework is imported; two processes with two OpenMP threads each on
    two cores were seen to be 38 times slower per step.
    """
    caps = dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        str(threads),
    )
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0"}
    spin = {"GOMP_SPINCOUNT": "1000"}
    return {**os.environ, **caps, **quiet, **spin}
