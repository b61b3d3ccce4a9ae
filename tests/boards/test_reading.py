"""Which runs come onto a leaderboard, and why the others do not."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from benchmarks.run_folders import make_run
from harness.boards.reading import (
    Entry,
    LeftOut,
    find_runs,
    read_entry,
    without_superseded,
)
from harness.errors import UsageError
from harness.record import record


def reason_of(folder: Path) -> str:
    found = read_entry(folder)
    assert isinstance(found, LeftOut)
    assert found.folder == str(folder)
    return found.reason


def entry_of(folder: Path) -> Entry:
    found = read_entry(folder)
    assert isinstance(found, Entry), found
    return found


def test_a_sealed_run_is_an_entry_with_all_that_pages_need(tmp_path: Path) -> None:
    entry = entry_of(make_run(tmp_path / "run", forensic=True))
    assert entry.metrics.headline == "hit-rate@rank=10"
    assert len(entry.searches) == 120
    assert entry.assessment is not None
    assert entry.template_bytes is None
    assert set(entry.id) <= set("0123456789abcdef")


def test_runs_are_found_at_any_depth_once_and_links_are_not_followed(tmp_path: Path) -> None:
    deep = make_run(tmp_path / "a" / "b" / "run")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list(find_runs([tmp_path, deep])) == [deep]
    with pytest.raises(UsageError, match="is no folder"):
        list(find_runs([tmp_path / "nothing"]))


def test_an_unfinished_run_is_left_out_as_such(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / record.CHECKSUMS).unlink()
    assert reason_of(folder).startswith("unfinished")


@pytest.mark.parametrize(
    "name", [record.MANIFEST, record.METRICS, record.CURVES, record.SEARCHES, record.PROTOCOL]
)
def test_a_changed_byte_of_what_is_read_breaks_the_seal(tmp_path: Path, name: str) -> None:
    folder = make_run(tmp_path / "run")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"1", b"2", 1))
    assert reason_of(folder) == f"broken seal: the bytes of {name} changed since the run"


def test_a_missing_file_breaks_the_seal(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / record.REPORT).unlink()
    assert reason_of(folder) == f"broken seal: {record.REPORT} is missing"


def test_a_file_that_the_seal_does_not_name_is_not_read(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    lines = (folder / record.CHECKSUMS).read_text().splitlines(keepends=True)
    kept = [line for line in lines if record.CURVES not in line]
    (folder / record.CHECKSUMS).write_text("".join(kept))
    assert reason_of(folder) == f"broken seal: {record.CURVES} is not among its checksums"


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    elsewhere = tmp_path / "elsewhere.json"
    (folder / record.CURVES).rename(elsewhere)
    (folder / record.CURVES).symlink_to(elsewhere)
    assert "is a link" in reason_of(folder)


@pytest.mark.parametrize(
    "content", [b"not checksums\n", b"\xff\xfe", b"0" * 64 + b"  ../../etc/passwd\n"]
)
def test_checksums_that_are_none_or_lead_outside_are_refused(
    tmp_path: Path, content: bytes
) -> None:
    folder = make_run(tmp_path / "run")
    (folder / record.CHECKSUMS).write_bytes(content)
    assert "check" in reason_of(folder) or "finished" in reason_of(folder)


def resealed(folder: Path, **changes: object) -> Path:
    """Change the manifest and seal the folder again, as somebody would who wants to cheat."""
    path = folder / record.MANIFEST
    manifest = json.loads(path.read_bytes())
    for key, value in changes.items():
        where = manifest["origin"] if key in manifest["origin"] else manifest
        where[key] = value
    path.write_bytes(json.dumps(manifest).encode())
    (folder / record.CHECKSUMS).unlink()
    record.seal(folder)
    return folder


def test_an_identity_that_does_not_follow_from_the_run_is_left_out(tmp_path: Path) -> None:
    folder = resealed(make_run(tmp_path / "run"), algorithm="somebody-else")
    assert "identity does not follow" in reason_of(folder)


def test_other_rules_and_formats_are_left_out_by_their_number(tmp_path: Path) -> None:
    assert "follows rule 99" in reason_of(resealed(make_run(tmp_path / "a"), rule=99))
    assert "format 99" in reason_of(resealed(make_run(tmp_path / "b"), format=99))


def test_a_protocol_that_the_manifest_does_not_name_is_left_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / record.PROTOCOL).write_text("version = 2\n")
    (folder / record.CHECKSUMS).unlink()
    record.seal(folder)
    assert "protocol is not the one" in reason_of(folder)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"task": 1}', b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_a_reason_and_no_crash(
    tmp_path: Path, content: bytes
) -> None:
    folder = make_run(tmp_path / "run")
    (folder / record.METRICS).write_bytes(content)
    (folder / record.CHECKSUMS).unlink()
    record.seal(folder)
    assert reason_of(folder).startswith("cannot be read")


def test_a_run_without_its_own_headline_is_left_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    metrics = json.loads((folder / record.METRICS).read_bytes())
    del metrics["pooled"]["hit-rate@rank=10"]
    (folder / record.METRICS).write_bytes(json.dumps(metrics).encode())
    (folder / record.CHECKSUMS).unlink()
    record.seal(folder)
    assert "no value for its headline" in reason_of(folder)


def test_of_copies_of_one_run_one_stays(tmp_path: Path) -> None:
    entries = [entry_of(make_run(tmp_path / name)) for name in ("a", "b")]
    kept, left_out = without_superseded(entries)
    assert [e.folder for e in kept] == [str(tmp_path / "b")]
    (one,) = left_out
    assert one.folder == str(tmp_path / "a")
    assert "superseded duplicate" in one.reason


def test_a_later_run_of_changed_source_supersedes_unless_history_is_asked_for(
    tmp_path: Path,
) -> None:
    old = entry_of(make_run(tmp_path / "z-old", source="1", finished="2026-01-01T00:00:00+00:00"))
    new = entry_of(make_run(tmp_path / "a-new", source="2", finished="2026-02-01T00:00:00+00:00"))
    kept, left_out = without_superseded([new, old])
    assert kept == [new]
    assert [o.folder for o in left_out] == [old.folder]
    assert "changed source" in left_out[0].reason
    assert without_superseded([new, old], history=True) == ([old, new], [])


def test_other_parameters_or_other_boards_supersede_nothing(tmp_path: Path) -> None:
    entries = [
        entry_of(make_run(tmp_path / "a", parameters={"seed": 1})),
        entry_of(make_run(tmp_path / "b", parameters={"seed": 2})),
        entry_of(make_run(tmp_path / "c", parameters={"seed": 1}, data="other")),
        entry_of(make_run(tmp_path / "d", parameters={"seed": 1}, version=2)),
    ]
    kept, left_out = without_superseded(entries)
    assert len(kept) == 4
    assert left_out == []


def test_the_size_of_a_template_is_what_is_kept_of_an_image_on_average(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    place = folder / "units" / "fold-1" / "templates"
    place.mkdir(parents=True)
    (place / "templates.safetensors").write_bytes(bytes(51_200))
    (folder / record.CHECKSUMS).unlink()
    record.seal(folder)
    entry = entry_of(folder)
    assert entry.template_bytes == 512  # 51,200 bytes of 100 templates
    assert msgspec.json.encode(entry.template_bytes) == b"512.0"
