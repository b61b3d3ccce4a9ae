"""Files of strangers: whatever they hold, the answer is an error with its place, and comes soon."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, HarnessError
from harness.scorefiles import Imported, read_candidates, read_detections, read_scores
from tests.scorefiles.questions import IMAGES, ONE, written

READERS: list[Callable[[Path], Imported]] = [
    lambda path: read_candidates(path, ONE),
    lambda path: read_scores(path, ONE),
    lambda path: read_detections(path, IMAGES),
]


def refused(path: Path, reader: int = 0) -> str:
    with pytest.raises(DataError) as reason:
        READERS[reader](path)
    return str(reason.value)


@pytest.mark.parametrize("reader", [0, 1, 2])
def test_a_huge_sparse_file_is_refused_at_once(reader: int, tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    assert "huge.txt: has 10,737,418,240 bytes; at most" in refused(path, reader)
    os.truncate(path, 1 << 30)
    tracemalloc.start()
    said = refused(path, reader)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()
    assert "expected a first line" in said


def test_a_line_without_end_is_refused_where_it_starts(tmp_path: Path) -> None:
    path = written(tmp_path, "long.txt", "p1.png|1|a.png|1", "x" * 100_000)
    assert "long.txt:2: is longer than 16,384 bytes" in refused(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "has no line of text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "has no line of text"),
        (b"p1.png|1|a.png|1\np1.png|2|\xff.png|0\n", "file.txt:2: is not UTF-8 text"),
        ("p1.png|1|a.png|1\n".encode("utf-16"), "has no line of text"),
        (b"p1.png|1|a.png|1\rp1.png|2|b.png|0\r", "has no line of text"),
        (
            b"p1.png|1|a.png|1\np1.png|2|b\x1b[31m.png|0\n",
            "file.txt:2: 'p1.png|2|b\\x1b[31m.png|0'",
        ),
    ],
)
def test_what_is_no_text_of_ours_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    assert message in refused(path)


def test_reading_stops_after_many_faults_and_shows_few(tmp_path: Path) -> None:
    path = written(tmp_path, "wrong.txt", "p1.png|1|a.png|1", *["nobody|1|a.png|1"] * 50_000)
    said = refused(path)
    assert "reading stopped after 1,000 problems" in said
    assert len(said.splitlines()) < 20


def test_long_names_are_not_repeated_in_full(tmp_path: Path) -> None:
    said = refused(written(tmp_path, "wrong.txt", f"{'n' * 10_000}|1|a.png|1"))
    assert len(said) < 400


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "pipe: is not a file" in refused(pipe)
    assert "nothing.txt: cannot be read: No such file" in refused(tmp_path / "nothing.txt")
    assert "there is no file of fold 1" in refused(tmp_path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    written(tmp_path, "m.probes.txt", "p1.png", "p2.png")
    written(tmp_path, "m.references.txt", "a.png", "b.png", "c.png")
    path = tmp_path / "m.npy"
    np.save(path, np.array([[{}]]), allow_pickle=True)
    assert "m.npy: is not a sound .npy file" in refused(path, 1)
    path.write_bytes(pickle.dumps(Exploding()))
    assert "m.npy: has no line of text" in refused(path, 1)
    with pytest.raises(DataError, match="not a sound"):
        read_scores(path, ONE, form="npy")


class Exploding:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }",
        "(" * 5000,
        "{" * 100,
        "0",
    ],
)
def test_a_matrix_with_a_false_header_is_refused_without_memory(
    header: str, tmp_path: Path
) -> None:
    written(tmp_path, "m.probes.txt", "p1.png", "p2.png")
    written(tmp_path, "m.references.txt", "a.png", "b.png", "c.png")
    path = tmp_path / "m.npy"
    text = f"{header}\n".encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(48))
    assert "m.npy: is not a sound .npy file" in refused(path, 1)


@pytest.mark.parametrize("form", ["tatt-c", "nist", "csv", "bob-4", "bob-5", "npy", "parquet"])
@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=200))
def test_random_bytes_are_an_error_and_never_a_crash(form: str, content: bytes) -> None:
    import tempfile

    read = read_candidates if form in ("tatt-c", "nist") else read_scores
    start = {"npy": b"\x93NUMPY\x01\x00", "parquet": b"PAR1"}.get(form, b"")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "file")
        path.write_bytes(start + content)
        with pytest.raises(HarnessError):
            read(path, ONE, form=form)


TOKENS = st.sampled_from(
    [
        *("p1.png", "p2.png", "a.png", "b.png", "|", ",", " ", "\n", "\r\n", "0", "1", "2", "-1"),
        *("nan", "1e400", '"', "probe,reference,score\n", "\ufeff", "../../x", "\x00", "é", "4"),
        "searchId candidateRank searchRetCode isAssigned templateId score\n",
    ]
)


@settings(max_examples=200, deadline=None)
@given(text=st.lists(TOKENS, max_size=40).map("".join), reader=st.sampled_from(READERS))
def test_anything_that_looks_like_a_score_file_is_read_or_refused(
    text: str, reader: Callable[[Path], Imported]
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "file")
        path.write_text(text, encoding="utf-8", newline="")
        try:
            found = reader(path)
        except HarnessError:
            return
    assert not np.isposinf(found.answers[0].scores).any()
