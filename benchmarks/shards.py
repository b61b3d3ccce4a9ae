"""Sharded 1:N beside the bare product: time, memory and bytes of `harness match`.

``python -m benchmarks.shards`` writes its vectors into a folder, which takes 4 bytes for each
number, and removes them again. Sizes, shards and workers are options. Every figure is of a process
of its own, the product's, too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ALIKE = ("metrics.json", "curves.json", "searches.npz", "candidates/all.txt")
FILES = 5
"""Of references: their borders are no borders of shards, nor of tiles."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make vectors, match them in all ways, print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shards", description=__doc__)
    parser.add_argument("--probes", type=int, default=2000)
    parser.add_argument("--references", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 7, 64])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--turns", type=int, default=1, help="ratios are medians of so many")
    parser.add_argument("--memory", default="1GB", help="of a worker")
    parser.add_argument("--folder", type=Path, help="for the vectors; one of the system's own")
    parser.add_argument("--svg", type=Path, help="draw time over references, if there are several")
    parser.add_argument("--do", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.do:
        return _do(*asked.do)
    rows = []
    for references in asked.references:
        folder = Path(tempfile.mkdtemp(prefix="harness-shards-", dir=asked.folder))
        try:
            print(f"{asked.probes} x {references} x {asked.dimension}", file=sys.stderr, flush=True)
            _write(folder, asked.probes, references, asked.dimension)
            rows += _measured(folder, references, asked)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"load": os.getloadavg(), "rows": rows}, indent=1))
    alike = all(row["same bytes"] for row in rows)
    print(f"files are {'the same in all ways' if alike else 'NOT THE SAME'}")
    if asked.svg is not None:
        asked.svg.write_text(growth(rows, asked.probes, asked.dimension), encoding="utf-8")
    return 0 if alike else 1


def _measured(folder: Path, references: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    known: dict[str, str] = {}
    for workers in asked.workers:
        ways: dict[int, list[dict[str, float]]] = {shards: [] for shards in asked.shards}
        products = []
        for _ in range(asked.turns):
            # Ratios are of what was measured one after another.
            products.append(_child("product", {"folder": str(folder), "threads": workers}))
            for shards in asked.shards:
                done = _child(
                    "match",
                    {
                        "folder": str(folder),
                        "shards": shards,
                        "workers": workers,
                        "memory": asked.memory,
                    },
                )
                found = _digests(folder / "runs")
                known = known or found
                done["same"] = float(found == known)
                shutil.rmtree(folder / "runs")
                ways[shards].append(done)
        for shards, turns in ways.items():
            pairs = list(zip(turns, products, strict=True))
            row = {
                "references": references,
                "workers": workers,
                "shards": shards,
                "product s": _middle([p["seconds"] for p in products]),
                "matching s": _middle([t["matching"] for t in turns]),
                "command s": _middle([t["seconds"] for t in turns]),
                "matching / product": _middle([t["matching"] / p["seconds"] for t, p in pairs]),
                "command / product": _middle([t["seconds"] / p["seconds"] for t, p in pairs]),
                "processor: matching / product": _middle([t["cpu"] / p["cpu"] for t, p in pairs]),
                "peak MB of a process": round(max(t["peak"] for t in turns) / 2**20),
                "same bytes": all(t["same"] for t in turns),
            }
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
    return rows


def _middle(values: list[float]) -> float:
    return round(float(np.median(values)), 3)


def _write(folder: Path, probes: int, references: int, dimension: int) -> None:
    """Write vectors of which four in five probes have a mate, some of them far behind."""
    rng = np.random.default_rng(0)
    asked = rng.standard_normal((probes, dimension), dtype=np.float32)
    mated = probes * 4 // 5
    own = rng.choice(references, mated, replace=False)
    (folder / "R").mkdir()
    borders = np.linspace(0, references, FILES + 1).astype(int)
    closeness = rng.uniform(0.15, 0.35, (mated, 1)).astype(np.float32)
    for i in range(FILES):
        part = rng.standard_normal((borders[i + 1] - borders[i], dimension), dtype=np.float32)
        here = np.flatnonzero((own >= borders[i]) & (own < borders[i + 1]))
        mates = part[own[here] - borders[i]]
        asked[here] = closeness[here] * mates + np.sqrt(1 - closeness[here] ** 2) * asked[here]
        np.save(folder / "R" / f"{i}.npy", part)
    np.save(folder / "P.npy", asked)
    lines = [f"{i},{j}\n" for i, j in enumerate(own.tolist())]
    (folder / "M.csv").write_text("probe,reference\n" + "".join(lines), encoding="utf-8")


def _child(kind: str, options: dict[str, Any]) -> dict[str, float]:
    """Do one thing in a process of its own, and return seconds and the most that one held."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.shards", "--do", kind, json.dumps(options)],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _do(kind: str, options: str) -> int:
    found = (_product if kind == "product" else _match)(**json.loads(options))
    print(json.dumps(found))
    return 0


def _product(folder: str, threads: int) -> dict[str, float]:
    """Time the bare product of vectors that lie in memory: multiplied, kept nowhere."""
    from benchmarks.machine import product_in_tiles

    probes = np.load(Path(folder) / "P.npy")
    parts = [np.load(Path(folder) / "R" / f"{i}.npy") for i in range(FILES)]
    product_in_tiles(probes, parts[0][:20_000], threads)
    begun, cpu = time.perf_counter(), _processor()
    for part in parts:
        product_in_tiles(probes, part, threads)
    return {"seconds": time.perf_counter() - begun, "cpu": _processor() - cpu}


def _match(folder: str, shards: int, workers: int, memory: str) -> dict[str, float]:
    """Time `harness match`: all of it, and until the last unit was put together."""
    from harness.cli.ending import carried_out
    from harness.runs import embeddings

    matching = [0.0, 0.0]
    real = embeddings._matched

    def timed(*given: Any) -> Any:
        begun, cpu = time.perf_counter(), _processor()
        found = real(*given)
        matching[:] = time.perf_counter() - begun, _processor() - cpu
        return found

    vars(embeddings)["_matched"] = timed
    place = Path(folder)
    words = ["match", "--probes", place / "P.npy", "--references", place / "R"]
    words += ["--pairs", place / "M.csv", "--name", "bench", "--out", place / "runs", "--json"]
    words += ["--shards", shards, "--workers", workers, "--memory", memory]
    kept, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123 - for this process
    begun = time.perf_counter()
    code = carried_out([str(word) for word in words])
    seconds = time.perf_counter() - begun
    sys.stdout = kept
    if code:
        raise SystemExit(code)
    peaks = [
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    cpu = matching[1] if workers == 1 else _processor()
    return {
        "seconds": seconds,
        "matching": matching[0],
        "cpu": cpu,
        "peak": float(max(peaks) << 10),
    }


def _processor() -> float:
    """Return the processor seconds of this process and of those that it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _digests(runs: Path) -> dict[str, str]:
    (run,) = (runs / "embeddings").glob("[!.]*")
    scores = sorted((run / "units" / "fold-all" / "scores").glob("matching.*"))
    files = [run / name for name in ALIKE] + scores
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


LINES = (
    ("harness match", "command s", "#1f5fa8", ""),
    ("matching alone", "matching s", "#1f5fa8", "5 3"),
    ("bare product", "product s", "#555", "2 3"),
)
"""Name, column, colour and dashes of the lines of the figure."""


def growth(rows: Sequence[dict[str, Any]], probes: int, dimension: int) -> str:
    """Return a figure of time over the number of references, as SVG; both axes are logarithmic."""
    first = rows[0]["shards"], rows[0]["workers"]
    chosen = [row for row in rows if (row["shards"], row["workers"]) == first]
    sizes = [float(row["references"]) for row in chosen]
    times = [[float(row[column]) for row in chosen] for _, column, _, _ in LINES]
    low, high = np.log10(min(sizes)), np.log10(max(sizes))
    bottom = np.floor(np.log10(min(min(line) for line in times)))
    top = np.ceil(np.log10(max(max(line) for line in times)))

    def x(size: float) -> float:
        return float(60 + 380 * (np.log10(size) - low) / max(high - low, 1e-9))

    def y(seconds: float) -> float:
        return float(250 - 220 * (np.log10(seconds) - bottom) / max(top - bottom, 1e-9))

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 300" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{probes:,} probes among references of {dimension} numbers</title>",
        '<rect width="480" height="300" fill="#fff"/>',
        '<text x="250" y="288" text-anchor="middle">references</text>',
    ]
    for power in range(int(bottom), int(top) + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M60 {at:.1f}H440" stroke="#ddd"/>')
        parts.append(f'<text x="54" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    parts += [
        f'<text x="{x(size):.1f}" y="268" text-anchor="middle">{int(size):,}</text>'
        for size in sizes
    ]
    for i, ((name, _, colour, dashes), line) in enumerate(zip(LINES, times, strict=True)):
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        points = " ".join(f"{x(s):.1f},{y(t):.1f}" for s, t in zip(sizes, line, strict=True))
        parts.append(f'<polyline points="{points}" {style}/>')
        parts.append(f'<path d="M72 {24 + 18 * i}h26" {style}/>')
        parts.append(f'<text x="104" y="{28 + 18 * i}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    sys.exit(main())
