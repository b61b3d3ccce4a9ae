"""Tests of the harness, which mirror it.

A test has one core, as a worker of the harness has: tests run in several processes side by side,
and threads of BLAS, OpenMP and TensorFlow that wait for each other on cores they do not have were
measured to take four times as long. They are counted before the first framework is imported.
"""

from __future__ import annotations

import os

from harness.execution.variables import variables

for _name, _count in variables(1).items():
    if _name.endswith("_THREADS"):
        os.environ.setdefault(_name, _count)
