"""What signed folders prove: whatever changes in one is noticed, with the name of what changed."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import harness
from harness.errors import Damaged, HarnessError, UsageError
from harness.errors.absent import how_to_install
from harness.execution.journal import JOURNAL, digest_of_folder
from harness.record import record
from harness.record.evidence.disclosure import bytes_of, read_disclosure
from harness.record.evidence.envelope import bytes_of as envelope_bytes
from harness.record.evidence.envelope import read_envelope
from harness.record.evidence.signing import new_key, read_key
from harness.record.evidence.statement import (
    again,
    differences,
    payload_of,
    read_statement,
    searches_of,
)
from harness.record.searches import encoded
from harness.runs.finishing import score_again
from harness.runs.proving import Proof, proof_of
from tests.conftest import run_harness
from tests.snippets import ROOT, blocks

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_set: Path) -> Path:
    """A folder with a key, a signed run and a search of it."""
    root = tmp_path_factory.mktemp("signed")
    new_key(root / "key.pem")
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--param", "cells=3"),
        *("--data", small_set, "--out", root / "runs", "--json"),
    )
    assert ran.code == 0, ran.err
    Path(ran.json["runs"][0]["folder"]).rename(root / "run")
    harness.attest(root / "run", root / "key.pem")
    harness.disclose(root / "run", "f2g1p1.png", root / "search", pictures=3)
    return root


@pytest.fixture
def copy(place: Path, tmp_path: Path) -> Path:
    """A copy of all of it to spoil."""
    return Path(shutil.copytree(place, tmp_path / "copy"))


def faults(folder: Path) -> str:
    try:
        return "\n".join(proof_of(folder).faults)
    except HarnessError as reason:
        return str(reason)


def files_of(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_signed_run_and_a_search_of_it_are_whole_and_say_what_they_prove(place: Path) -> None:
    for name in ("run", "search"):
        proof = harness.verify(place / name, place / "key.pem.pub")
        assert proof.faults == []
        public = read_key(place / "key.pem").public
        assert f"private key of {public}, the one that it has to be" in proof.proved[0]
        assert any("is the signer's clock" in one for one in proof.open)
    search = proof_of(place / "search")
    assert search.facts[0] == "search 11 of 24: f2g1p1.png in fold 2"
    assert any("whose key that is" in one for one in search.open)
    assert "3 pictures are among those whose hashes were signed" in search.proved
    ran = run_harness("verify", place / "run", place / "search")
    assert (ran.code, ran.err) == (0, "")
    assert "  proved: it was signed" in ran.out
    assert "  not proved: that the algorithm made these scores" in ran.out


@pytest.mark.parametrize("name", ["run", "search"])
def test_no_byte_of_any_file_changes_unseen_and_the_file_is_named(copy: Path, name: str) -> None:
    rng = random.Random(17)
    folder = copy / name
    assert len(list(files_of(folder))) >= (20 if name == "run" else 5)
    for path in files_of(folder):
        before = path.read_bytes()
        for at in rng.sample(range(len(before)), min(len(before), 6)):
            path.write_bytes(
                before[:at] + bytes([before[at] ^ rng.randrange(1, 256)]) + before[at + 1 :]
            )
            said = faults(folder)
            where = path.relative_to(folder).as_posix()
            # A digest that changed names the file that no longer has it, or none that is there.
            named = where in said or (path.name == record.CHECKSUMS and said)
            assert named, f"byte {at} of {where} changed: {said!r}"
        path.write_bytes(before)
        path.rename(path.with_name("elsewhere"))
        assert faults(folder), f"{path} went unseen"
        path.with_name("elsewhere").rename(path)
    assert faults(folder) == ""


def sealed_again(folder: Path) -> str:
    record.seal(folder)
    return faults(folder)


def test_what_is_changed_and_sealed_again_is_not_what_was_signed(copy: Path) -> None:
    run = copy / "run"
    with (run / "report.html").open("a") as file:
        file.write("<p>perfect</p>")
    said = sealed_again(run)
    assert "attestation.json: subject[checksums.sha256].digest.sha256 is" in said
    assert "written again after it was signed" in said


def test_a_score_that_is_changed_consistently_is_named_by_what_follows_from_it(
    copy: Path, small_set: Path, tmp_path: Path
) -> None:
    """Whoever owns the folder can do all of it again: journal, manifest, numbers, seal."""
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "random", "--data", small_set),
        *("--out", tmp_path / "runs", "--json"),
    )
    assert ran.code == 0, ran.err
    run = Path(ran.json["runs"][0]["folder"])
    harness.attest(run, copy / "key.pem")
    file = run / "units" / "fold-1" / "scores" / "scores.npy"
    scores = np.load(file)
    scores[0] = scores[0][::-1]
    np.save(file, scores)
    noted = json.loads((run / JOURNAL).read_text())
    noted["fold-1/scores"] = digest_of_folder(file.parent)
    (run / JOURNAL).write_text(json.dumps(noted))
    manifest = record.read_manifest(run)
    manifest.result_hash = record.result_hash(run)
    record.write_manifest(run, manifest)
    record.seal(run)
    score_again(run)
    said = faults(run)
    for name in ("[checksums.sha256]", "subject[searches]", "predicate.run.result", "results[map]"):
        assert name in said, said


def test_the_signed_statement_of_another_run_does_not_fit(
    copy: Path, small_set: Path, tmp_path: Path
) -> None:
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--param", "cells=2"),
        *("--data", small_set, "--out", tmp_path / "runs", "--json"),
    )
    other = Path(ran.json["runs"][0]["folder"])
    shutil.copy(copy / "run" / record.ATTESTATION, other)
    said = faults(other)
    assert "predicate.run.parameters.cells is 2, signed was 3" in said
    assert "predicate.run.identity" in said


def test_every_part_of_a_statement_is_held_against_the_folder(place: Path) -> None:
    """Signed anew after each change, as by somebody who has the key and lies."""
    envelope = read_envelope(place / "run", record.ATTESTATION)
    plain = json.loads(envelope.content)
    # What its signer alone knows.
    free = [f"predicate.{name}" for name in ("harness", "pictures.count")]
    wrong = 0
    for where in changes(plain, ""):
        try:
            said = read_statement(place, msgspec.json.encode(plain))
            found = list(differences(said, again(place / "run", said)))
        except Damaged as reason:
            found = [str(reason)]
        if not where.startswith((*free, "subject.pictures")):
            assert any(where.rpartition(".")[2] in one for one in found), (where, found)
            wrong += 1
    assert wrong > 60


def changes(value: Any, where: str) -> Iterator[str]:
    """Change one value of a statement after the other, and name each."""
    for name in value if isinstance(value, dict) else range(len(value)):
        before = value[name]
        called = name
        if isinstance(before, dict):
            called = before.get("name") or before.get("metric") or name
        here = f"{where}.{called}".strip(".")
        if isinstance(before, (dict, list)):
            yield from changes(before, here)
        else:
            other = 12345 if isinstance(before, int) else 0.5
            value[name] = "other" if isinstance(before, str) else other
            yield here
            value[name] = before


def test_another_signer_is_noticed_where_a_key_is_named(copy: Path) -> None:
    other = new_key(copy / "other.pem")
    envelope = read_envelope(copy / "run", record.ATTESTATION)
    statement = read_statement(copy, envelope.content)
    statement.predicate.key = other.public
    forged = envelope_bytes(other.sign(payload_of(statement)))
    (copy / "run" / record.ATTESTATION).write_bytes(forged)
    assert proof_of(copy / "run").faults == []  # and says whose key nobody knows
    ran = run_harness("verify", copy / "run", "--key", copy / "key.pem.pub")
    assert ran.code == 3
    assert f"is signed with key {other.public}, not with" in ran.out


def test_an_attestation_that_is_taken_away_is_missed_where_a_key_is_named(copy: Path) -> None:
    (copy / "run" / record.ATTESTATION).unlink()
    proof = harness.verify(copy / "run")
    assert proof.faults == []
    assert any("nobody signed it" in one for one in proof.open)
    assert (
        "attestation.json: is missing"
        in harness.verify(copy / "run", copy / "key.pem.pub").faults[0]
    )
    (copy / "search" / record.ATTESTATION).unlink()
    assert "is missing" in faults(copy / "search")


def test_searches_that_changed_places_are_not_those_that_were_signed(copy: Path) -> None:
    run = copy / "run"
    searches = searches_of(run)
    searches[0], searches[1] = searches[1], searches[0]
    (run / record.SEARCHES).write_bytes(encoded(searches))
    assert "searches.npz: its bytes changed" in faults(run)
    assert "searches.npz: does not follow from the raw scores" in sealed_again(run)


def rewritten(folder: Path, **changes: object) -> str:
    disclosed = read_disclosure(folder)
    made = msgspec.structs.replace(disclosed, **changes)
    (folder / "disclosure.json").write_bytes(bytes_of(made))
    said = faults(folder)
    (folder / "disclosure.json").write_bytes(bytes_of(disclosed))
    return said


def test_nothing_of_a_disclosed_search_can_be_changed(copy: Path) -> None:
    folder = copy / "search"
    disclosed = read_disclosure(folder)
    search = disclosed.search
    lists = search.candidates
    better = msgspec.structs.replace(lists[0], mated=not lists[0].mated)
    for change in (
        {"probe": "f1g0p1.png"},
        {"rank": 2},
        {"score": float(np.nextafter(search.score or 0.0, 2.0))},
        {"candidates": [better, *lists[1:]]},
        {"candidates": lists[1:]},
        {"candidates": [lists[1], lists[0], *lists[2:]]},
    ):
        said = rewritten(folder, search=msgspec.structs.replace(search, **change))
        assert "disclosure.json: the search of 'f" in said, change
        assert "is not number 11 of the 24 searches that were signed" in said
    for place in (-1, 9, 11, 24, 10**9):
        assert "of the 24 searches that were signed" in rewritten(folder, place=place)
    for proof in ([], disclosed.proof[:-1], [*disclosed.proof, "00" * 32], ["x"], ["00"]):
        assert "that were signed" in rewritten(folder, proof=proof)
    other = searches_of(copy / "run")[3]
    assert "of 'f1g1p2.png' is not number" in rewritten(folder, search=other)
    assert faults(folder) == ""


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the documents are in the checkout")
def test_the_lines_of_the_page_on_trust_hold_a_search_against_the_statement(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are an implementation of their own: with the standard library alone."""
    (block,) = blocks(ROOT / "docs" / "trust.md", "python")
    assert "harness" not in block
    (copy / "search").rename(copy / "one-search")
    monkeypatch.chdir(copy)
    searches = searches_of(copy / "run")
    for one in searches:
        shutil.rmtree("one-search")
        harness.disclose(copy / "run", one.probe, "one-search", pictures=0)
        exec(block, {})  # noqa: S102
    disclosed = read_disclosure(copy / "one-search")
    disclosed.search.rank = 2
    (copy / "one-search" / "disclosure.json").write_bytes(bytes_of(disclosed))
    with pytest.raises(AssertionError):
        exec(block, {})  # noqa: S102


def test_pictures_of_a_disclosed_search_are_those_of_the_run(copy: Path) -> None:
    folder = copy / "search"
    disclosed = read_disclosure(folder)
    first, second, third = disclosed.pictures
    assert first.name == disclosed.search.probe
    swapped = [
        msgspec.structs.replace(first, sha256=second.sha256),
        second,
        third,
    ]
    said = rewritten(folder, pictures=swapped)
    assert f"the hash of {first.name!r} is not one that was signed" in said
    assert "pictures/000.png: is not the picture of 'f2g1p1.png' that was signed" in said
    shutil.copy(folder / "pictures" / "001.png", folder / "pictures" / "000.png")
    assert faults(folder) == "pictures/000.png: is not the picture of 'f2g1p1.png' that was signed"
    (folder / "pictures" / "001.png").unlink()
    assert "001.png: is missing" in faults(folder)
    (folder / "notes.txt").write_text("guilty")
    assert "notes.txt: was added later" in faults(folder)


@pytest.mark.parametrize(
    "name", ["../../key.pem", "/etc/passwd", "pictures/../attestation.json", "pictures/0000.png"]
)
def test_a_disclosure_names_no_file_outside_its_pictures(copy: Path, name: str) -> None:
    first = read_disclosure(copy / "search").pictures[0]
    pictures = [msgspec.structs.replace(first, file=name)]
    assert "is not the name of picture 0 in the folder" in rewritten(
        copy / "search", pictures=pictures
    )


def test_links_and_huge_files_are_not_read(copy: Path) -> None:
    folder = copy / "search"
    picture = folder / "pictures" / "000.png"
    content = picture.read_bytes()
    picture.unlink()
    (copy / "elsewhere.png").write_bytes(content)
    picture.symlink_to(copy / "elsewhere.png")
    assert "000.png: is a link" in faults(folder)
    picture.unlink()
    with picture.open("wb") as file:
        os.truncate(file.fileno(), 1 << 34)
    assert "at most 268,435,456 are read" in faults(folder)
    for name in ("disclosure.json", "attestation.json"):
        with (folder / name).open("wb") as file:
            os.truncate(file.fileno(), 1 << 34)
        assert f"{name}: has 17,179,869,184 bytes" in faults(folder)


def test_a_run_is_no_disclosed_search_because_a_file_says_so(copy: Path) -> None:
    shutil.copy(copy / "search" / "disclosure.json", copy / "run")
    assert faults(copy / "run") == "disclosure.json: was added later"


def test_a_run_that_is_not_whole_is_not_signed(copy: Path) -> None:
    (copy / "run" / "metrics.json").write_text("{}")
    before = (copy / "run" / record.ATTESTATION).read_bytes()
    ran = run_harness("attest", copy / "run", "--key", copy / "key.pem")
    assert ran.code == 3
    assert "metrics.json: its bytes changed" in ran.err
    assert (copy / "run" / record.ATTESTATION).read_bytes() == before
    with pytest.raises(Damaged, match="is not the folder that was signed"):
        harness.disclose(copy / "run", "f2g1p1.png", copy / "new")
    assert not (copy / "new").exists()


def test_a_run_that_nobody_signed_discloses_nothing(copy: Path) -> None:
    (copy / "run" / record.ATTESTATION).unlink()
    with pytest.raises(UsageError, match="harness attest .* --key FILE"):
        harness.disclose(copy / "run", "f2g1p1.png", copy / "new")


def test_a_search_is_named_by_its_probe(copy: Path) -> None:
    with pytest.raises(UsageError, match="no search of 'f2g1p9.png'.*Did you mean"):
        harness.disclose(copy / "run", "f2g1p9.png", copy / "new")
    with pytest.raises(UsageError, match="in fold 1"):
        harness.disclose(copy / "run", "f2g1p1.png", copy / "new", fold="1")
    with pytest.raises(UsageError, match="there already"):
        harness.disclose(copy / "run", "f2g1p1.png", copy / "search")
    harness.disclose(copy / "run", "f2g1p1.png", copy / "new", fold="2", pictures=0)
    assert sorted(path.name for path in (copy / "new").iterdir()) == [
        "attestation.json",
        "disclosure.json",
    ]
    assert any("9 pictures that it names" in one for one in proof_of(copy / "new").open)


def test_pictures_that_are_gone_or_changed_are_not_signed_and_the_reason_is(
    copy: Path, small_set: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(small_set, tmp_path / "moved"))
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--data", moved),
        *("--out", tmp_path / "runs", "--json"),
    )
    run = Path(ran.json["runs"][0]["folder"])
    picture = next((moved / "tattoo_similarity" / "images").glob("*r1.png"))
    picture.write_bytes((moved / "tattoo_similarity" / "images" / "f1g0p1.png").read_bytes())
    ran = run_harness("attest", run, "--key", copy / "key.pem")
    assert ran.code == 0, ran.err
    assert "is not the data of the run: images or truth are others" in ran.err
    proof = proof_of(run)
    assert proof.faults == []
    assert any("which pictures were searched" in one for one in proof.open)
    shutil.rmtree(moved)
    harness.attest(run, copy / "key.pem")
    assert any("cannot be read as it was" in one for one in proof_of(run).open)
    ran = run_harness("disclose", run, "--search", "f1g0p1.png", "--out", tmp_path / "new")
    assert ran.code == 0
    assert "no picture is copied: " in ran.err
    assert proof_of(tmp_path / "new").faults == []
    harness.attest(run, copy / "key.pem", data=small_set)
    assert not any("which pictures" in one for one in proof_of(run).open)
    with pytest.raises(UsageError, match="--data: .* is not the data of the run"):
        harness.attest(run, copy / "key.pem", data=changed(small_set, tmp_path))


def changed(data: Path, tmp_path: Path) -> Path:
    other = Path(shutil.copytree(data, tmp_path / "changed"))
    picture = next((other / "tattoo_similarity" / "images").glob("f1*r1.png"))
    picture.write_bytes((other / "tattoo_similarity" / "images" / "f1g0p1.png").read_bytes())
    return other


def test_any_sealed_folder_can_be_signed_and_is_held_against_its_checksums(copy: Path) -> None:
    pages = copy / "pages"
    pages.mkdir()
    (pages / "matrix.html").write_text("<p>pass</p>")
    record.seal(pages)
    harness.attest(pages, copy / "key.pem")
    proof = harness.verify(pages, copy / "key.pem.pub")
    assert (proof.faults, proof.summary) == ([], "whole, and every file is as it was sealed")
    (pages / "matrix.html").write_text("<p>fail</p>")
    assert faults(pages) == "matrix.html: its bytes changed"
    assert "subject[checksums.sha256]" in sealed_again(pages)


def test_a_run_without_its_manifest_is_no_other_folder(copy: Path) -> None:
    (copy / "run" / "manifest.json").unlink()
    assert "manifest.json: is missing" in faults(copy / "run")
    for name in ("protocol.toml", "truth.json"):
        (copy / "run" / name).unlink()
    shutil.rmtree(copy / "run" / "units")
    assert "manifest.json: is missing" in faults(copy / "run")


def test_without_the_library_all_else_is_checked_and_that_is_said(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cryptography", "securesystemslib"):
        for module in [one for one in sys.modules if one.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)
    proof: Proof = proof_of(copy / "run")
    assert proof.faults == []
    assert proof.proved == []
    assert any(
        "signature, which was not checked" in one and how_to_install(["securesystemslib"]) in one
        for one in proof.open
    )
    ran = run_harness("verify", copy / "search")
    assert ran.code == 0
    assert "not proved: the signature, which was not checked" in ran.out
    for words in (
        ("verify", copy / "run", "--key", copy / "key.pem.pub"),
        ("attest", copy / "run", "--key", copy / "key.pem"),
        ("attest", "--new-key", copy / "new.pem"),
    ):
        ran = run_harness(*words)
        assert ran.code == 2
        assert how_to_install(["securesystemslib"]) in ran.err
    (copy / "run" / "report.html").write_text("other")
    assert "report.html: its bytes changed" in faults(copy / "run")


def test_a_key_is_made_and_used_by_commands(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_KEY_PASSPHRASE", "correct horse")
    ran = run_harness("attest", "--new-key", copy / "mine.pem")
    assert ran.code == 0, ran.err
    public = read_key(copy / "mine.pem", "correct horse").public
    assert public in ran.out
    ran = run_harness("attest", copy / "run", "--key", copy / "mine.pem")
    assert (ran.code, ran.err) == (0, "")
    assert run_harness("verify", copy / "run", "--key", copy / "mine.pem.pub").code == 0
    (copy / "mine.pem").chmod(0o644)
    ran = run_harness("attest", copy / "run", "--key", copy / "mine.pem")
    assert "others can read" in ran.err
    for words in (["attest"], ["attest", copy / "run"], ["attest", "--key", copy / "mine.pem"]):
        assert run_harness(*words).code == 2
    ran = run_harness("attest", copy / "run", "--new-key", copy / "third.pem")
    assert ran.code == 2
    assert not (copy / "third.pem").exists()


@pytest.mark.slow
def test_an_entry_of_several_fits_is_signed_by_the_results_that_it_joins(
    copy: Path, small_set: Path, tmp_path: Path
) -> None:
    ran = run_harness(
        *("run", "--protocol", "detection", "--algo", "hog-svm", "--repeats", "2"),
        *("--data", small_set, "--out", tmp_path / "runs", "--json"),
    )
    assert ran.code == 0, ran.err
    entry = Path(ran.json["entries"][0]["folder"])
    harness.attest(entry, copy / "key.pem")
    assert proof_of(entry).faults == []
    with pytest.raises(UsageError, match="joins several fits"):
        harness.disclose(entry, "f1i0.png", tmp_path / "new")
    seed_one = Path(ran.json["runs"][1]["folder"])
    shutil.rmtree(seed_one)
    assert "joins run" in faults(entry)
