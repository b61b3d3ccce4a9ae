"""Tests of the harness, which mirror it.

A test has one thread, as a worker of the harness has: tests run in several processes side by side,
whose threads of BLAS, OpenMP and TensorFlow would wait for each other on cores that they do not
have (`variables` says what that costs). It is set before the first framework is imported.
"""

from __future__ import annotations

import os

from harness.execution.variables import variables

for _name, _count in variables(1).items():
    if _name.endswith("_THREADS"):
        os.environ.setdefault(_name, _count)
