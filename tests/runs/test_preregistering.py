"""What is written down before a run becomes part of what it is, and nothing else is run with it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import harness
from harness.errors import BadFile, Damaged, UsageError
from harness.record import record
from harness.record.evidence.preregistration import (
    Preregistration,
    bytes_of,
    contradictions,
    read_preregistration,
)
from harness.record.manifest import AttackOrigin, Origin
from harness.record.verifying import verify_run
from tests.conftest import run_harness

CRITERIA = """\
title = "Colours are enough"

[experiment]
protocol = "similarity"
algorithm = "colours"
parameters = { cells = 3 }
seed = 1

[[criterion]]
characteristic = "accuracy"
metric = "cllr"
at-most = 0.9

[[criterion]]
characteristic = "robustness"
metric = "map"
at-least = 0.1
attack = "blur:strong"
"""
EXPERIMENT = CRITERIA[CRITERIA.index("[experiment]") : CRITERIA.index("[[")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_set: Path) -> Path:
    """A folder with criteria, a preregistration and a run of it."""
    root = tmp_path_factory.mktemp("before")
    (root / "criteria.toml").write_text(CRITERIA)
    digest = harness.preregister(root / "criteria.toml", root / "before.json", data=small_set)
    assert digest == hashlib.sha256((root / "before.json").read_bytes()).hexdigest()
    ran = asked(root, small_set)
    assert ran.code == 0, ran.err
    Path(ran.json["runs"][0]["folder"]).rename(root / "run")
    return root


def asked(place: Path, data: Path, *words: str) -> Any:
    given: tuple[str, ...] = words or ("--param", "cells=3", "--seed", "1")
    return run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--data", data, "--json"),
        *("--out", place / "runs", "--preregistered", place / "before.json"),
        *given,
    )


def test_a_run_is_known_by_what_was_written_down_before_it(place: Path, small_set: Path) -> None:
    manifest = record.read_manifest(place / "run")
    content = (place / "before.json").read_bytes()
    assert manifest.origin.preregistration == hashlib.sha256(content).hexdigest()
    assert (place / "run" / record.PREREGISTRATION).read_bytes() == content
    assert f"--preregistered {place / 'before.json'}" in manifest.command
    assert verify_run(place / "run") == []
    (proved,) = harness.verify(place / "run").proved
    assert proved == (
        "2 criteria, protocol, data, algorithm, parameters and seed of the run are those of "
        f"preregistration {manifest.origin.preregistration}: for whoever knew that digest before "
        "the run, none of them was changed since"
    )
    assert "SHA-256 of its preregistration" in (place / "run" / "report.html").read_text()
    without = msgspec.structs.replace(manifest.origin, preregistration="")
    other = harness.run(
        *("similarity", "colours"),
        data=small_set,
        parameters={"cells": 3},
        seed=1,
        on="in-process",
        out=place / "without",
    )
    assert other.manifest.identity == record.identity_of(without) != manifest.identity
    assert other.manifest.result_hash == manifest.result_hash


def test_what_is_written_holds_all_of_the_criteria_and_what_they_name(place: Path) -> None:
    said, content = read_preregistration(place, "before.json")
    assert said.criteria.text == CRITERIA
    assert said.criteria.sha256 == hashlib.sha256(CRITERIA.encode()).hexdigest()
    assert [row["metric"] for row in said.criteria.rows] == ["cllr", "map"]
    origin = record.read_manifest(place / "run").origin
    (question,) = said.questions
    assert question.protocol.sha256 == origin.protocol_hash
    assert (question.data.sha256, question.layout_sha256) == (origin.data_hash, origin.layout_hash)
    assert question.images == 48
    assert said.algorithm is not None
    assert said.algorithm.parameters == {"cells": 3}
    assert said.seed == 1
    assert bytes_of(said) == content


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--param", "cells=3"), "the seed is 0, not 1"),
        (("--param", "cells=2", "--seed", "1"), "parameter cells is 2, not 3"),
        (("--param", "cells=3", "--seed", "1", "--fold", "1"), "or other folds of them"),
    ],
)
def test_another_run_is_refused_before_it_begins(
    place: Path, small_set: Path, words: tuple[str, ...], said: str
) -> None:
    ran = asked(place, small_set, *words)
    assert ran.code == 2
    assert "is about another run than similarity / colours:" in ran.err
    assert said in ran.err
    assert len(list((place / "runs" / "similarity").glob("*/manifest.json"))) == 0


def test_other_data_another_protocol_and_other_source_are_refused(
    place: Path, small_set: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(small_set, tmp_path / "other"))
    images = sorted((other / "tattoo_similarity" / "images").glob("f1g0*"))
    content = images[0].read_bytes()
    images[0].write_bytes(images[1].read_bytes())
    images[1].write_bytes(content)
    ran = asked(place, other)
    assert ran.code == 2
    assert "the images, or what is true of them, are not those of 'små set/" in ran.err
    protocol = tmp_path / "similarity.toml"
    bundled = Path(record.__file__).parents[2] / "protocols" / "similarity.toml"
    protocol.write_text(bundled.read_text() + "# another\n")
    with pytest.raises(UsageError, match="'similarity' is not, to the byte, 'similarity'"):
        harness.run(
            *(protocol, "colours"),
            data=small_set,
            parameters={"cells": 3},
            seed=1,
            out=tmp_path / "runs",
            preregistered=place / "before.json",
        )
    said, _ = read_preregistration(place, "before.json")
    origin = record.read_manifest(place / "run").origin
    assert list(contradictions(said, origin)) == []
    (found,) = contradictions(said, origin, source_hash="00")
    assert found.startswith("the source of 'colours'")


def attack(name: str) -> AttackOrigin:
    return AttackOrigin(name, "", {}, {}, "removal", "", "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"protocol_hash": "0"}, "protocol 'similarity' is not, to the byte, 'similarity'"),
        ({"data_hash": "0"}, "the images, or what is true of them, are not those of"),
        ({"layout_hash": "0"}, "the images are dealt into other folds"),
        ({"algorithm": "sift"}, "the algorithm is 'sift', not 'colours'"),
        ({"parameters": {"seed": 2, "cells": 3}}, "the seed is 2, not 1"),
        ({"parameters": {"seed": 1, "cells": 4}}, "parameter cells is 4, not 3"),
        ({"parameters": {"seed": 1}}, "parameter cells is None, not 3"),
        ({"parameters": {"seed": 1, "cells": 3, "more": None}}, "parameter more is None, not None"),
        ({"weight_hashes": {"weights": "0"}}, "that parameter weights names holds other weights"),
        ({"training_hash": "0"}, "it learns from other data"),
        ({"attack": attack("paint")}, "no criterion is about probes that 'paint' retouches"),
        ({"attack": attack("blur")}, ""),
    ],
)
def test_whatever_differs_from_what_was_written_down_is_named(
    place: Path, change: dict[str, Any], said: str
) -> None:
    written, _ = read_preregistration(place, "before.json")
    origin: Origin = record.read_manifest(place / "run").origin
    found = list(contradictions(written, msgspec.structs.replace(origin, **change)))
    assert len(found) == (1 if said else 0)
    assert not said or said in found[0]


def test_criteria_that_name_no_algorithm_leave_it_free(
    place: Path, small_set: Path, tmp_path: Path
) -> None:
    (tmp_path / "criteria.toml").write_text(CRITERIA.replace(EXPERIMENT, ""))
    with pytest.raises(UsageError, match="names no protocol.*--protocol NAME"):
        harness.preregister(tmp_path / "criteria.toml", tmp_path / "before.json", data=small_set)
    assert not (tmp_path / "before.json").exists()
    ran = run_harness(
        *("preregister", tmp_path / "criteria.toml", "--protocol", "similarity"),
        *("--data", small_set, "--out", tmp_path / "before.json"),
    )
    assert ran.code == 0, ran.err
    assert "proves nothing alone" in ran.err
    said, content = read_preregistration(tmp_path, "before.json")
    assert hashlib.sha256(content).hexdigest() in ran.out
    assert (said.algorithm, said.seed) == (None, None)
    origin = record.read_manifest(place / "run").origin
    other = msgspec.structs.replace(origin, algorithm="sift", parameters={"seed": 7})
    assert list(contradictions(said, other)) == []


def test_what_was_written_down_is_never_written_over(place: Path, small_set: Path) -> None:
    before = (place / "before.json").read_bytes()
    with pytest.raises(UsageError, match="never written over"):
        harness.preregister(place / "criteria.toml", place / "before.json", data=small_set)
    assert (place / "before.json").read_bytes() == before


def test_faulty_criteria_and_data_of_another_name_are_refused(
    small_set: Path, tmp_path: Path
) -> None:
    file, out = tmp_path / "criteria.toml", tmp_path / "before.json"
    file.write_text(CRITERIA.replace("at-most = 0.9", "at-most = 9\nless = 1"))
    with pytest.raises(UsageError, match="less"):
        harness.preregister(file, out, data=small_set)
    file.write_text(CRITERIA.replace("seed = 1", 'data = "casework"'))
    with pytest.raises(UsageError, match="is about data set 'casework'"):
        harness.preregister(file, out, data=small_set)
    assert not out.exists()


@pytest.fixture
def run_folder(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place / "run", tmp_path / "run"))


def change_and_seal(folder: Path, change: Callable[[Preregistration], None]) -> list[str]:
    said, _ = read_preregistration(folder, record.PREREGISTRATION)
    change(said)
    said.criteria.sha256 = hashlib.sha256(said.criteria.text.encode()).hexdigest()
    (folder / record.PREREGISTRATION).write_bytes(bytes_of(said))
    record.seal(folder)
    return verify_run(folder)


def test_criteria_that_are_changed_after_the_run_are_noticed(run_folder: Path) -> None:
    def easier(said: Preregistration) -> None:
        said.criteria.text = said.criteria.text.replace("at-most = 0.9", "at-most = 1.9")

    found = change_and_seal(run_folder, easier)
    assert found == ["preregistration.json: is not the one that is part of the run's identity"]


def test_a_preregistration_of_another_run_is_noticed_in_whatever_way_it_came_there(
    run_folder: Path,
) -> None:
    """Its digest is put into the manifest, and the identity made again."""
    said, _ = read_preregistration(run_folder, record.PREREGISTRATION)
    said.seed = 5
    content = bytes_of(said)
    (run_folder / record.PREREGISTRATION).write_bytes(content)
    manifest = record.read_manifest(run_folder)
    manifest.origin.preregistration = hashlib.sha256(content).hexdigest()
    manifest.identity = record.identity_of(manifest.origin)
    record.write_manifest(run_folder, manifest)
    record.seal(run_folder)
    found = verify_run(run_folder)
    assert found == ["preregistration.json: is about another run: the seed is 1, not 5"]


def test_a_preregistration_that_is_taken_away_or_added_is_noticed(
    run_folder: Path, place: Path
) -> None:
    file = run_folder / record.PREREGISTRATION
    file.unlink()
    record.seal(run_folder)
    assert verify_run(run_folder) == [
        "preregistration.json: is missing, and is part of the run's identity"
    ]
    shutil.copy(place / "before.json", file)
    manifest = record.read_manifest(run_folder)
    manifest.origin.preregistration = ""
    manifest.identity = record.identity_of(manifest.origin)
    record.write_manifest(run_folder, manifest)
    record.seal(run_folder)
    assert verify_run(run_folder) == [
        "preregistration.json: the identity of the run does not know of it"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has format 2; this harness reads 1"),
        ({"more": 1}, "unknown field"),
        ({"noted": "yesterday"}, "is no time"),
        ({"questions": {}}, "expected `array`"),
        ({"criteria": {"name": "a", "sha256": "0", "text": "a"}}, "criteria of its own digest"),
    ],
)
def test_what_is_no_preregistration_is_refused_in_a_sentence(
    place: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    facts = json.loads((place / "before.json").read_text()) | change
    (tmp_path / "before.json").write_text(json.dumps(facts))
    with pytest.raises(BadFile, match=said):
        read_preregistration(tmp_path, "before.json")
    (tmp_path / "before.json").write_bytes(bytes(5 << 20))
    with pytest.raises(Damaged, match="at most 4,194,304 are read"):
        read_preregistration(tmp_path, "before.json")
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours"),
        *("--preregistered", tmp_path / "none.json"),
    )
    assert ran.code == 3
    assert "none.json: is missing" in ran.err


def test_a_folder_that_is_not_there_is_named(place: Path, small_set: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder .*none"):
        harness.preregister(place / "criteria.toml", tmp_path / "none" / "b.json", data=small_set)
