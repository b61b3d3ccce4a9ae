"""The budget is kept: measured as the peak of a process of its own."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource, sys
import numpy as np
from harness.matching import match

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

rng = np.random.default_rng(0)
probes = rng.standard_normal((9_000, 8), dtype=np.float32) / 8
references = rng.standard_normal((10_000, 8), dtype=np.float32) / 8
mated = np.stack([np.arange(9_000), np.arange(9_000)], axis=1)
few = mated[:300]
match(probes[:300], references[:300], few, memory=70 << 20, threads=2)  # imports and BLAS buffers
before = peak()
found = match(
    probes, references, mated, fmrs=(0.1, 1e-3, 1e-6), eer=True, candidates=20, tail=1000,
    bins=256, memory=int(sys.argv[1]), threads=2,
)
print(peak() - before, found.passes, found.nonmated_count)
"""


def test_the_peak_stays_below_the_budget_where_the_matrix_would_be_several_times_it() -> None:
    budget = 100 << 20
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(budget)], capture_output=True, text=True, check=True
    )
    grown, passes, nonmated = (int(word) for word in done.stdout.split())
    assert nonmated == 9_000 * 9_999
    assert 4 * nonmated > 3 * budget
    assert grown < budget
    assert passes <= 3
