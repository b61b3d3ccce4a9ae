"""A leaderboard of many runs, beside reading the same bytes and holding them to their seals."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from benchmarks.run_folders import make_run
from benchmarks.timing import Contender, Timing, race
from harness.boards.building import Built, build
from harness.record import record

BOARDS = ("similarity", "mixed-media", "identification", "region", "omniglot")


def many_runs(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Build the site of 1,000 runs on five boards, with 170 searches of 50 candidates each."""
    runs = 20 if quick else 1000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for i in range(runs):
            make_run(
                folder / "runs" / str(i),
                algorithm=f"matcher-{i % 10}",
                protocol=BOARDS[i % len(BOARDS)],
                parameters={"seed": i, "margin": i / 1000},
                skill=0.2 + 0.6 * (i % 97) / 97,
                searches=170,
                candidates=50,
            )

        def read() -> int:
            size = 0
            for path in (folder / "runs").rglob("*.json"):
                content = path.read_bytes()
                hashlib.sha256(content).hexdigest()
                size += len(content)
            return size

        def whole(built: Built) -> str:
            on_boards = sum(len(b.all_places) for b in built.leaderboard.boards)
            return "" if on_boards == runs else f"{runs - on_boards} runs are missing"

        contenders = {
            "bytes read and hashed": Contender(read),
            "harness leaderboard": Contender(
                lambda: build([folder / "runs"], folder / "site"), whole
            ),
        }
        size = sum((p.stat().st_size for p in (folder / "runs").rglob(record.SEARCHES)), 0)
        timings = race(contenders, "bytes read and hashed", turns)
    return f"Leaderboard of {runs:,} runs on {len(BOARDS)} boards ({size >> 20} MB)", timings
