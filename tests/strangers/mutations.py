"""What a stranger, a disk or a git client may do to a run folder, drawn from a seed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

NASTY = ('"', "\n", "\x1b[2J\x1b[31m", "'; --", "<script>", "\u202e", "../../x", "", "\x9b1m", "|")
OTHERS: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 1e308, -0.5, 2**63, "", "x", "1", [], {}, [[]], {"a": 1}, [1, "a"]),
    *({"value": None}, [None], "\x1b]0;owned\x07", "a\nb", "../../etc/passwd", 10**30),
)


def mutate(folder: Path, rng: random.Random) -> str:
    """Change something in a run folder, seal it again or not, and say what was done."""
    said = rng.choice(KINDS)(folder, rng)
    how = rng.choice(("left", "sealed", "sealed", "sealed through"))
    if how != "left":
        seal_again(folder, through=how == "sealed through")
    return f"{said}; {how}"


def files_in(folder: Path, suffix: str = "") -> list[Path]:
    """Return the regular files that can be reached, sorted."""
    found = []
    for place, _, names in os.walk(folder):
        found += [Path(place) / name for name in names if name.endswith(suffix)]
    return sorted(file for file in found if file.is_file() and not file.is_symlink())


def copy_of(source: Path, target: Path) -> Path:
    """Copy a folder with whatever lies in it: links as links, pipes as pipes."""
    for here, folders, names in os.walk(source):
        at = target / Path(here).relative_to(source)
        at.mkdir(parents=True, exist_ok=True)
        for name in [*names, *(f for f in folders if Path(here, f).is_symlink())]:
            path = Path(here, name)
            if path.is_symlink():
                (at / name).symlink_to(path.readlink())
            elif path.is_fifo():
                os.mkfifo(at / name)
            elif path.is_file():
                shutil.copyfile(path, at / name)
    return target


def seal_again(folder: Path, *, through: bool = False) -> None:
    """Write the checksums of what is there now, as a stranger would.

    Parameters
    ----------
    through
        Whether journal, identity and hashes of the manifest are made to agree, too.
    """
    if through:
        with suppress(Exception):
            _agree(folder)
    names = [path.relative_to(folder).as_posix() for path in files_in(folder)]
    if (folder / "checksums.sha256").is_dir():
        return
    with suppress(OSError):
        (folder / "checksums.sha256").unlink(missing_ok=True)
        lines = [
            f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
            for name in names
            if name != "checksums.sha256"
        ]
        text = "".join(lines)
        (folder / "checksums.sha256").write_text(text, encoding="utf-8", errors="surrogateescape")


def _agree(folder: Path) -> None:
    from harness.execution.journal import digest_of_folder

    journal = {
        f"{step.parent.name}/{step.name}": digest_of_folder(step)
        for step in sorted(folder.glob("units/*/*"))
        if step.is_dir()
    }
    (folder / "journal.json").write_text(json.dumps(journal, indent=1), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    origin = manifest["origin"]
    protocol = (folder / "protocol.toml").read_bytes()
    origin["protocol_hash"] = hashlib.sha256(protocol).hexdigest()
    from harness.record.manifest import Origin
    from harness.record.record import identity_of, result_hash

    manifest["identity"] = identity_of(msgspec.convert(origin, Origin))
    manifest["result_hash"] = result_hash(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def bytes_change(folder: Path, rng: random.Random) -> str:
    """Flip, cut, repeat or empty bytes of a file."""
    path = rng.choice(files_in(folder))
    data = bytearray(path.read_bytes())
    how = rng.choice(("flip", "cut", "empty", "double", "zero", "add"))
    at = rng.randrange(len(data)) if data else 0
    if how == "flip" and data:
        data[at] ^= 1 << rng.randrange(8)
    elif how == "cut":
        del data[at:]
    elif how == "empty":
        data.clear()
    elif how == "double":
        data += bytes(data)
    elif how == "zero":
        data[at : at + 40] = bytes(len(data[at : at + 40]))
    else:
        data[at:at] = rng.randbytes(rng.randrange(1, 60))
    path.write_bytes(data)
    return f"{how} {_name(folder, path)}"


def json_change(folder: Path, rng: random.Random) -> str:
    """Put another value, key or length somewhere into a JSON file."""
    path = rng.choice(files_in(folder, ".json"))
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return bytes_change(folder, rng)
    holder: Any = {"": value}
    key: Any = ""
    where = "$"
    while isinstance(holder[key], (dict, list)) and holder[key] and rng.random() < 0.8:
        holder = holder[key]
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        where += f"[{key!r}]"
    said = _change_at(holder, key, rng)
    whole = holder[key] if where == "$" and "" in holder else value
    if where == "$":
        value = whole
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return f"{said} at {where} of {_name(folder, path)}"


def _change_at(holder: Any, key: Any, rng: random.Random) -> str:
    now = holder[key]
    how = rng.choice(("other", "other", "drop", "rename", "cut", "longer", "number", "nasty"))
    if how == "drop" and key != "":
        del holder[key]
    elif how == "rename" and isinstance(holder, dict) and key != "":
        holder[f"{key}{rng.choice(NASTY)}x"] = holder.pop(key)
    elif how == "cut" and isinstance(now, list) and now:
        del now[rng.randrange(len(now)) :]
    elif how == "longer" and isinstance(now, list):
        now += now[:1] or [rng.choice(OTHERS)]
    elif how == "number" and isinstance(now, (int, float)):
        holder[key] = rng.choice((-now, now + 1, now * 1000, 0, -1, 10**18, 0.5, 1e300))
    elif how == "nasty" and isinstance(now, str):
        holder[key] = now + rng.choice(NASTY)
    else:
        holder[key] = rng.choice(OTHERS)
        how = f"{holder[key]!r}"
    return how


def json_text(folder: Path, rng: random.Random) -> str:
    """Write JSON that no encoder of ours writes."""
    path = rng.choice(files_in(folder, ".json"))
    text = path.read_text(encoding="utf-8", errors="replace")
    how = rng.choice(("deep list", "deep object", "twice", "NaN", "huge", "bom", "deep inside"))
    if how == "deep list":
        text = "[" * 100_000
    elif how == "deep object":
        text = '{"a":' * 50_000
    elif how == "twice" and text.lstrip().startswith("{"):
        inner = text.strip()[1:]
        head = inner.split(":", 1)[0]
        text = "{" + f"{head}: 1, " + inner
    elif how == "NaN":
        text = text.replace(": 0", ": NaN", 1).replace(":0", ":-Infinity", 1)
    elif how == "huge":
        text = text.replace(": 1", ": " + "9" * 5000, 1)
    elif how == "bom":
        text = "\ufeff" + text
    else:
        text = text.replace("[", "[" * 3000, 1)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return f"{how} in {_name(folder, path)}"


def another_kind(folder: Path, rng: random.Random) -> str:
    """Put something that is no file in the place of one, or of a folder."""
    chosen = files_in(folder)
    path = rng.choice([*chosen, *{file.parent for file in chosen if file.parent != folder}])
    how = rng.choice(("fifo", "loop", "away", "device", "folder", "socket", "gone", "beside"))
    aside = folder.parent / f"aside-{path.name}"
    path.rename(aside)
    if how == "fifo":
        os.mkfifo(path)
    elif how == "loop":
        path.symlink_to(path.name)
    elif how == "away":
        path.symlink_to(aside.resolve())
    elif how == "device":
        path.symlink_to("/dev/zero")
    elif how == "folder":
        path.mkdir()
    elif how == "socket":
        with socket.socket(socket.AF_UNIX) as one, suppress(OSError):
            here = os.getcwd()  # noqa: PTH109 - names of sockets are short
            os.chdir(path.parent)
            try:
                one.bind(path.name)
            finally:
                os.chdir(here)
    elif how == "beside":
        aside.rename(path)
        os.mkfifo(path.with_name("pipe"))
    return f"{how} for {_name(folder, path)}"


def array_change(folder: Path, rng: random.Random) -> str:
    """Change an array: what its header promises, or its values."""
    arrays = files_in(folder, ".npy")
    if not arrays:
        return bytes_change(folder, rng)
    path = rng.choice(arrays)
    values = np.load(path)
    how = rng.choice(
        ("promise", "inf", "nan", "-inf", "rows", "dtype", "objects", "turned", "deep")
    )
    if how in ("promise", "deep"):
        shape = rng.choice(("(200000, 100000)", "(-1, 3)", "(3,)", "(10**9, 10**9)", "()"))
        shape = "(" * 90 if how == "deep" else shape
        head = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"
        head = head.ljust(117) + "\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
        return f"{how} {shape[:20]} in {_name(folder, path)}"
    if how in ("inf", "nan", "-inf"):
        values.flat[rng.randrange(values.size)] = float(how)
    elif how == "rows":
        values = values[: rng.randrange(len(values))]
    elif how == "dtype":
        values = values.astype(rng.choice(("int64", "complex128", "bool", "U3", "longdouble")))
    elif how == "objects":
        values = values.astype(object)
    else:
        values = np.asfortranarray(values.T)
    np.save(path, values, allow_pickle=True)
    return f"{how} in {_name(folder, path)}"


def protocol_change(folder: Path, rng: random.Random) -> str:
    """Change the protocol."""
    path = folder / "protocol.toml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    at = rng.randrange(len(lines))
    how = rng.choice(("drop", "double", "deep", "rank", "task", "ranks", "headline", "use-case"))
    text = "".join(lines)
    if how == "drop":
        text = "".join(lines[:at] + lines[at + 1 :])
    elif how == "double":
        text = "".join(lines[: at + 1] + lines[at:])
    elif how == "deep":
        text += "x = " + "[" * 50_000
    elif how == "rank":
        text = text.replace("rank=10", f"rank={rng.choice((0, -1, 10**12, 'nan', 1.5))}")
    elif how == "task":
        tasks = ("verification", "detection", "tagging", "removal", "score-lists", "open-set")
        text = text.replace('task = "', f'task = "{rng.choice(tasks)}" # "')
    elif how == "ranks":
        text = text.replace("ranks = 50", f"ranks = {rng.choice((1, 10**7, 10**13, -3))}")
    else:
        text = text.replace(f'{how} = "', f'{how} = "{rng.choice(("x", "eer", "map"))}')
    path.write_text(text, encoding="utf-8")
    return f"{how} in protocol.toml"


def seal_change(folder: Path, rng: random.Random) -> str:
    """Change the list of checksums; sealing again may undo it."""
    path = folder / "checksums.sha256"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    how = rng.choice(("twice", "out", "upper", "short", "plain", "crlf", "empty", "dot"))
    one = rng.choice(lines)
    if how == "twice":
        lines.append(one)
    elif how == "out":
        lines.append(one[:66] + "../" + one[66:])
    elif how == "upper":
        lines[0] = lines[0].upper()
    elif how == "short":
        lines.remove(one)
    elif how == "plain":
        lines.append(f"{'0' * 64}  \x1b[31mred\x9b\n")
    elif how == "crlf":
        lines = [line.replace("\n", "\r\n") for line in lines]
    elif how == "empty":
        lines = []
    else:
        lines.append(one[:66] + "./" + one[66:])
    path.write_bytes("".join(lines).encode())
    return f"{how} in the checksums"


def names_change(folder: Path, rng: random.Random) -> str:
    """Rename an image in every file, so that all files agree about a name that is no name."""
    old = rng.choice(("f1-0-p1.png", "f1-1-r2.png", "f2-2-p2.png"))
    new = rng.choice(NASTY) + old
    quoted = json.dumps(new, ensure_ascii=False)[1:-1]
    for path in files_in(folder, ".json"):
        text = path.read_text(encoding="utf-8", errors="replace")
        path.write_text(text.replace(old, quoted), encoding="utf-8")
    return f"{old} is {new!r} everywhere"


def added(folder: Path, rng: random.Random) -> str:
    """Add a file with a name that steers terminals."""
    name = rng.choice(("\x1b[31mred.txt", "a\nb.txt", "checksums.sha256~", ".hidden", "\udcff.txt"))
    place = folder / rng.choice(("", "units", "candidates"))
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(b"mine")
    return f"{name!r} added"


KINDS: tuple[Callable[[Path, random.Random], str], ...] = (
    *(bytes_change, json_change, json_change, json_change, json_change, json_text),
    *(another_kind, another_kind, array_change, protocol_change, seal_change, names_change, added),
)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
