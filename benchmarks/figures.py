"""The measured figures of README and docs, in one file: ``python -m benchmarks.figures``.

``docs/figures.json`` lists commands in order of importance and what they came to. Without names
this measures all that was not measured on the present data, one command after the other in
``build/figures``, and writes the figures into the file and into every document that has a mark of
them (`benchmarks.marks`). A command that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.marks import names_in, rewritten

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "figures.json"
PLACE = ROOT / "build" / "figures"
REPORT = re.compile(r"^report  (\S.*)/report\.html$", re.MULTILINE)
KEPT = ("value", "low", "high", "chance", "chance_low", "chance_high", "n", "fits")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or say what is to be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    parser.add_argument("names", nargs="*", help="measure these, whether they are renewed or not")
    parser.add_argument("--list", action="store_true", help="print what is not renewed, and where")
    parser.add_argument("--write", action="store_true", help="only write the documents anew")
    parser.add_argument(
        "--take",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="take a run that was made already in the place of the command's",
    )
    given = parser.parse_args(arguments)
    book = json.loads(FILE.read_text(encoding="utf-8"))
    known = {item["name"]: item for item in book["commands"]}
    taken = dict(text.partition("=")[::2] for text in given.take)
    unknown = [name for name in (*given.names, *taken) if name not in known]
    if unknown:
        parser.error(f"no command is called {', '.join(unknown)}; known: {', '.join(known)}")
    if given.list:
        _list(book["commands"])
        return 0
    for name, folder in taken.items():
        known[name]["measured"] = _of_folders([Path(folder)], "")
    if not (given.write or taken):
        chosen = [known[name] for name in given.names] or stale(book["commands"])
        for item in chosen:
            print(f"{item['name']}: {item['command']}", file=sys.stderr, flush=True)
            item["measured"] = measured(item["command"])
            _save(book)
    _save(book)
    return write_documents(book)


def measured(command: str, place: Path = PLACE) -> dict[str, Any]:
    """Run a command in a shell and return what it printed, and the figures of its runs.

    Raises
    ------
    RuntimeError
        If it fails; that a gate finds a regression, or nothing, is no failure.
    """
    place.mkdir(parents=True, exist_ok=True)
    here = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; shopt -s nullglob; {command}"],  # noqa: S607
        cwd=place,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"},
    )
    if done.returncode not in (0, 1, 5):
        raise RuntimeError(f"{command}: exit code {done.returncode}")
    folders = [place / found for found in REPORT.findall(done.stdout)]
    return _of_folders(folders, done.stdout)


def _of_folders(folders: Sequence[Path], output: str) -> dict[str, Any]:
    found: dict[str, Any] = {"output": re.sub(r"\n{2,}", "\n", output).strip("\n")}
    for folder in folders:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        manifest, repeats = _manifest_of(folder)
        origin = manifest["origin"]
        found |= {
            "protocol": origin["protocol"],
            "algorithm": origin["algorithm"],
            "data_hashes": {
                **found.get("data_hashes", {}),
                origin["protocol"]: origin["data_hash"],
            },
            "repeats": repeats,
            "date": manifest["finished"][:10],
            "version": manifest["versions"].get("tattoo-harness", ""),
            "environment": {**manifest["machine"], **manifest["versions"]},
            "counts": metrics["counts"],
            "metrics": {
                name: {key: value for key, value in one.items() if key in KEPT and value != []}
                for name, one in metrics["pooled"].items()
            },
        }
    return found


def _manifest_of(folder: Path) -> tuple[dict[str, Any], int]:
    """Return the manifest of a run, or of the first of the runs that are joined, and how many."""
    entry, repeats = folder / "entry.json", 1
    if entry.is_file():
        fits = json.loads(entry.read_text(encoding="utf-8"))["fits"]
        folder, repeats = folder / fits[0]["folder"], len(fits)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest, repeats


def stale(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the commands that were not run on the present data, in order of importance."""
    present: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for item in items:
        hashes = (item.get("measured") or {}).get("data_hashes")
        after = any(name in [one["name"] for one in found] for name in item.get("after", []))
        if not item.get("measured") or after:
            found.append(item)
        elif hashes and not item.get("own_data"):
            now = {name: _data_hash(name.partition("+")[0], present) for name in hashes}
            if now != hashes:
                found.append(item)
    return found


def _data_hash(protocol: str, present: dict[str, str]) -> str:
    if protocol not in present:
        from harness.runs.preparing import Request, judged_by

        present[protocol] = judged_by(protocol, Request((), (protocol,))).data_hash
    return present[protocol]


def documents() -> list[Path]:
    """Return the files whose figures are marked."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def figures_of(book: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what was measured, by name."""
    return {one["name"]: one["measured"] for one in book["commands"] if one.get("measured")}


def write_documents(book: dict[str, Any]) -> int:
    """Write every marked figure anew; return 1 and say so where one cannot be."""
    code = 0
    for path in documents():
        before = path.read_text(encoding="utf-8")
        text, faults = rewritten(before, figures_of(book))
        for fault in faults:
            print(f"{path.relative_to(ROOT)}: {fault}", file=sys.stderr)
            code = 1
        if text != before:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: written anew; read what the words make of it")
    return code


def _list(items: Sequence[dict[str, Any]]) -> None:
    marked = {path: names_in(path.read_text(encoding="utf-8")) for path in documents()}
    waiting = stale(items)
    for item in items:
        where = [
            p.relative_to(ROOT).as_posix() for p, names in marked.items() if item["name"] in names
        ]
        where += item.get("by_hand", [])
        if item in waiting:
            print(
                f"{item['name']}\n    {item['command']}\n    in {', '.join(where) or 'no document'}"
            )
    print(f"{len(waiting)} of {len(items)} commands are not renewed for the present data")


def _save(book: dict[str, Any]) -> None:
    text = json.dumps(book, indent=1, ensure_ascii=False) + "\n"
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
