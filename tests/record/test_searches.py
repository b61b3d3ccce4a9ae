"""Searches as columns: what was written comes back, and nothing else is believed."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.columns import packed, unpacked
from harness.record import record
from harness.record.searches import AS_JSON, SEARCHES, encoded, read_searches
from harness.record.verifying import verify_run
from harness.statistics import bootstrap, error_rates
from harness.statistics.margins import MarginRates
from harness.tasks.results import Candidate, Judgement
from tests.conftest import run_harness

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
CANDIDATES = st.builds(Candidate, reference=WORDS, score=NUMBERS, mated=st.booleans())
SEARCH = st.builds(
    Judgement,
    fold=WORDS,
    probe=WORDS,
    identity=WORDS,
    rank=st.none() | st.integers(1, 2**60),
    mates=st.integers(0, 9),
    gallery=st.integers(0, 2**40),
    average_precision=NUMBERS,
    score=NUMBERS,
    best_nonmate=NUMBERS,
    failed=st.booleans(),
    same_source=st.booleans(),
    truth=WORDS,
    correct=st.none() | st.booleans(),
    values=st.dictionaries(WORDS, NUMBERS, max_size=3),
    candidates=st.lists(CANDIDATES, max_size=4),
)


@given(st.lists(SEARCH, max_size=5))
@settings(deadline=None, max_examples=100)
def test_searches_come_back_as_they_were(searches: list[Judgement]) -> None:
    content = encoded(searches)
    assert read_searches(content) == searches
    assert encoded(searches) == content
    bare = [msgspec.structs.replace(one, candidates=[]) for one in searches]
    assert read_searches(content, candidates=False) == bare


def columns_of(count: int = 3) -> dict[str, np.ndarray]:
    searches = [
        Judgement(
            "1", f"p{i}", "who", rank=1, values={"a": 0.5}, candidates=[Candidate("r", 1.0, True)]
        )
        for i in range(count)
    ]
    return dict(unpacked(encoded(searches)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rank", np.zeros(2, np.int64)),
        ("rank", np.zeros(3, np.float64)),
        ("probe", np.full(3, 99, np.uint32)),
        ("candidate", np.full(3, 99, np.uint32)),
        ("candidate_score", np.zeros(4)),
        ("first_candidate", np.array([0, 2, 1, 3])),
        ("first_candidate", np.array([0, 1, 2, 9])),
        ("first_candidate", np.array([1, 1, 2, 3])),
        ("name_ends", np.array([-5, 3, 20, 4, 5, 6, 7, 8])),
        ("names", np.full(15, 0xFF, np.uint8)),
        ("values", np.zeros((3, 7))),
        ("has_values", np.zeros(3, np.uint8)),
        ("measured", np.array([99], np.uint32)),
    ],
)
def test_columns_that_do_not_fit_are_refused(name: str, value: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"column|UTF-8"):
        read_searches(packed({**columns_of(), name: value}))


def test_columns_too_few_or_too_many_are_refused() -> None:
    columns = columns_of()
    with pytest.raises(ValueError, match="extra"):
        read_searches(packed({**columns, "extra": np.zeros(1)}))
    del columns["rank"]
    with pytest.raises(ValueError, match="rank"):
        read_searches(packed(columns))


def zipped(entries: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as file:
        for name, text in entries.items():
            file.writestr(name, text)
    return content.getvalue()


def one_array(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def promising(shape: str) -> bytes:
    return one_array(np.zeros(3)).replace(b"(3,)", shape.encode().ljust(4))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no .npz"),
        (b"PK\x03\x04 and nothing", "no .npz"),
        (zipped({"a.npy": one_array(np.zeros(9))}, zipfile.ZIP_DEFLATED), "compressed|more than"),
        (zipped({"a.npy": b"\x93NUMPY\x01\x00\x10\x00 {'descr': oh"}), "no array"),
        (zipped({"a.npy": promising("(9,)")}), "promises shape"),
        (zipped({"a.npy": promising("(1,)")}), "promises shape"),
        (zipped({"a.npy": one_array(np.array(["x"]))}), "expected numbers"),
        (zipped({"a.npy": one_array(np.zeros((2, 3), order="F"))}), "by columns"),
        (zipped({f"{i}.npy": one_array(np.zeros(1)) for i in range(1001)}), "promises more"),
    ],
)
def test_a_file_of_arrays_that_is_none_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        unpacked(content)


def test_objects_are_never_unpickled() -> None:
    content = io.BytesIO()
    np.save(content, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="expected numbers"):
        unpacked(zipped({"a.npy": content.getvalue()}))


@pytest.fixture(scope="module")
def finished(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs")
    words = ("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set)
    done = run_harness(*words, "--out", out, "--json")
    assert done.code == 0, done.err
    return Path(done.json["runs"][0]["folder"])


@pytest.fixture
def of_before(finished: Path, tmp_path: Path) -> Path:
    """The same run as a harness wrote it that knew no columns."""
    finished_run = Path(shutil.copytree(finished, tmp_path / "run"))
    searches = read_searches((finished_run / SEARCHES).read_bytes())
    (finished_run / AS_JSON).write_bytes(encoded(searches, AS_JSON))
    (finished_run / SEARCHES).unlink()
    (finished_run / record.CHECKSUMS).unlink()
    record.seal(finished_run)
    return finished_run


def test_a_folder_of_before_is_verified_put_on_boards_and_renewed(of_before: Path) -> None:
    from harness.boards.reading import Entry, read_entry

    assert verify_run(of_before) == []
    before = read_entry(of_before)
    assert isinstance(before, Entry)
    assert before.searches
    done = run_harness("score", of_before)
    assert done.code == 0, done.err
    assert not (of_before / AS_JSON).exists()
    assert verify_run(of_before) == []
    after = read_entry(of_before)
    assert isinstance(after, Entry)
    assert after.searches == before.searches


def test_verify_looks_at_either_file(of_before: Path) -> None:
    (of_before / AS_JSON).write_bytes(b"[]\n")
    (of_before / SEARCHES).write_bytes(encoded([]))
    (of_before / record.CHECKSUMS).unlink()
    record.seal(of_before)
    said = verify_run(of_before)
    assert [line.split(":")[0] for line in said] == [SEARCHES, AS_JSON]


def test_intervals_of_before_are_verified_in_the_way_of_before(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    kept = json.loads((folder / record.METRICS).read_text())
    monkeypatch.setattr(error_rates, "ONE_BY_ONE", 0)
    rng = np.random.default_rng(0)
    monkeypatch.setattr(
        MarginRates, "drawn", lambda self, asked, drawn: rng.random((len(drawn), len(asked)))
    )
    assert json.loads(record.text_of(record.read_run(folder).judge().metrics)) != kept
    assert verify_run(folder) == []
    for name, value in (("low", 0.321), ("value", 0.512)):
        spoilt = json.loads(json.dumps(kept))
        spoilt["pooled"]["eer"][name] = value
        (folder / record.METRICS).write_bytes(record.text_of(spoilt))
        (folder / record.CHECKSUMS).unlink()
        record.seal(folder)
        assert verify_run(folder) == ["metrics.json: does not follow from the raw scores"]


def test_curves_of_before_are_verified_in_the_way_of_before(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", "--protocol", "similarity", "--algo", "random", "--data", small_set)
    done = run_harness(*words, "--out", tmp_path, "--json")
    folder = Path(done.json["runs"][0]["folder"])
    kept = (folder / record.CURVES).read_bytes()
    monkeypatch.setattr(bootstrap, "_MANY", 1)
    assert msgspec.json.encode(record.read_run(folder).judge().curves) + b"\n" != kept
    assert verify_run(folder) == []
    spoilt = json.loads(kept)
    spoilt["cmc"]["high"][0] = 0.987
    (folder / record.CURVES).write_bytes(msgspec.json.encode(spoilt) + b"\n")
    (folder / record.CHECKSUMS).unlink()
    record.seal(folder)
    assert verify_run(folder) == ["curves.json: does not follow from the raw scores"]
