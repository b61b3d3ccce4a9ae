"""Vectors are read from files of every layout NumPy writes, and what is no vector is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.matching.rows import Rows, natural, vector_file, vector_files

VECTORS = np.random.default_rng(0).standard_normal((37, 5)) * 3


def saved(folder: Path, borders: list[int], dtypes: list[str], fortran: bool = False) -> Path:
    parts = np.split(VECTORS, borders)
    for i, part in enumerate(parts):
        array = part.astype(dtypes[i % len(dtypes)])
        np.save(folder / f"s-{i}.npy", np.asfortranarray(array) if fortran else array)
    return folder


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("fortran", [False, True])
def test_rows_of_any_layout_are_the_rows_that_were_saved(
    tmp_path: Path, dtype: str, fortran: bool
) -> None:
    rows = Rows(vector_files(saved(tmp_path, [11, 12], [dtype], fortran), "vectors"))
    expected = VECTORS.astype(dtype).astype(np.float32)
    assert np.array_equal(rows[0:37], expected)
    assert np.array_equal(rows[9:14], expected[9:14])
    some = np.array([36, 0, 1, 2, 11, 12, 5])
    assert np.array_equal(rows[some], expected[some])
    assert rows[20:20].shape == (0, 5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 36), max_size=5, unique=True), st.integers(0, 36), st.integers(1, 37)
)
def test_where_files_end_changes_no_row(
    tmp_path_factory: pytest.TempPathFactory, borders: list[int], start: int, stop: int
) -> None:
    scale = 1 / np.linalg.norm(VECTORS.astype(np.float32), axis=1)
    folder = tmp_path_factory.mktemp("parts")
    cut = Rows(vector_files(saved(folder, sorted(borders), ["<f4"]), "vectors"), scale)
    whole = Rows(vector_files(saved(tmp_path_factory.mktemp("one"), [], ["<f4"]), "vectors"), scale)
    assert np.array_equal(cut[start:stop], whole[start:stop])


def test_a_row_of_one_type_is_the_same_beside_rows_of_another(tmp_path: Path) -> None:
    scale = np.full(37, 1 / 3.1)
    mixed = Rows(vector_files(saved(tmp_path, [10, 20], ["<f4", "<f8", "<f2"]), "vectors"), scale)
    together = mixed[0:37]
    for i in range(37):
        assert np.array_equal(together[i : i + 1], mixed[i : i + 1])


def test_very_long_and_very_short_vectors_are_scaled_to_the_same_length(tmp_path: Path) -> None:
    vectors = np.array([[3e-42, 4e-42], [3e-30, 4e-30], [3e37, 4e37], [3, 4]], np.float32)
    np.save(tmp_path / "v.npy", vectors)
    scale = 1 / np.linalg.norm(vectors.astype(np.float64), axis=1)
    rows = Rows([vector_file(tmp_path / "v.npy")], scale)
    np.testing.assert_allclose(rows[0:4], [[0.6, 0.8]] * 4, rtol=1e-3)


def test_files_of_a_folder_come_in_the_order_of_their_numbers() -> None:
    names = ["part-10.npy", "part-9.npy", "part-1.npy", "other.npy", "part-1b.npy"]
    assert sorted(names, key=natural) == [
        "other.npy",
        "part-1.npy",
        "part-1b.npy",
        "part-9.npy",
        "part-10.npy",
    ]


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return open, ("unpickled", "w")  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.array([[_Trap()]], object), "pickled objects"),
        (np.array([{"a": 1}, [2]], object), "pickled objects"),
        (np.zeros((3, 4), np.int64), "expected float16, float32 or float64"),
        (np.zeros((3, 4), np.complex64), "expected float16, float32 or float64"),
        (np.zeros((3, 4), np.longdouble), "expected float16, float32 or float64"),
        (np.zeros(3, np.dtype([("a", "<f4")])), "expected float16, float32 or float64"),
        (np.zeros(12, np.float32), r"shape \(12,\); expected \(vectors, dimensions\)"),
        (np.zeros((2, 3, 4), np.float32), r"shape \(2, 3, 4\)"),
        (np.zeros((0, 4), np.float32), r"shape \(0, 4\)"),
        (np.float32(1), r"shape \(\)"),
    ],
)
def test_what_holds_no_vectors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, array: object, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", array, allow_pickle=True)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=sentence):
        vector_file(Path("v.npy"))
    assert not Path("unpickled").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda raw: raw[:-1], "cut short"),
        (lambda raw: raw + b"\0", "its header promises"),
        (lambda raw: raw[:40], "no .npy file of vectors"),
        (lambda raw: b"", "no .npy file of vectors"),
        (lambda raw: b"probe,reference\n" * 9, "no .npy file of vectors"),
        (lambda raw: b"PK\x03\x04" + raw, "no .npy file of vectors"),
        (lambda raw: raw[:6] + b"\x09\x00" + raw[8:], "version"),
        (lambda raw: raw.replace(b"(37, 5)", b"(9**99,)"), "no .npy file of vectors"),
        (lambda raw: raw.replace(b"(37, 5)", b"(-7, 5)"), "shape|promises"),
    ],
)
def test_a_file_that_is_damaged_or_of_another_kind_is_refused(
    tmp_path: Path, change: object, sentence: str
) -> None:
    path = tmp_path / "v.npy"
    np.save(path, VECTORS)
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DataError, match=sentence):
        vector_file(path)


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    np.save(path, VECTORS)
    rows = Rows([vector_file(path)])
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"v\.npy ends early"):
        rows[0:37]


def test_a_place_without_vectors_is_a_wrong_argument(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.npy"):
        with pytest.raises(UsageError, match="expected the probes"):
            vector_files(path, "probes")
