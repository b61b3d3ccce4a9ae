"""Two files, of mated and of non-mated scores: the scores are found, or what is unclear is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.metrics.verification import eer
from harness.scorefiles import ListedScores, pyeer_eer, read_pair, read_score_lists

RNG = np.random.default_rng(11)
MATED = np.round(RNG.normal(2.0, 1.0, 40), 3)
NONMATED = np.round(RNG.normal(0.0, 1.0, 160), 3)


def pair(folder: Path, line: str, *, header: str = "", comma: bool = False) -> tuple[Path, Path]:
    """Write both lists, each line by a pattern of its number `i`, score `s` and label `m`."""
    files = []
    for name, scores, label in (("gen.txt", MATED, 1), ("imp.txt", NONMATED, 0)):
        lines = [line.format(i=i, s=f"{s:.3f}", m=label) for i, s in enumerate(scores.tolist())]
        text = "".join(f"{one}\n" for one in ([header] if header else []) + lines)
        files.append(folder / name)
        files[-1].write_text(text.replace(".", ",") if comma else text)
    return files[0], files[1]


def right(found: ListedScores) -> bool:
    return np.array_equal(found.mated.values, MATED) and np.array_equal(
        found.nonmated.values, NONMATED
    )


@pytest.mark.parametrize("line", ["{s}", "a{i} b{i} {s}", "a{i}\tb{i}\t{s}", "a{i},b{i},{s}"])
def test_the_last_word_is_the_score_and_nothing_need_be_said(line: str, tmp_path: Path) -> None:
    found = read_pair(*pair(tmp_path, line))
    assert right(found)
    assert not any("score is taken" in note for note in found.notes)


@pytest.mark.parametrize(
    "line",
    [
        "utt{i} {s} {m}",
        "utt{i},{s},{m}",
        "e{i} v{i} {s} 0",
        "{i};{s};{m}",
        "{s} 7",
    ],
)
def test_a_label_or_code_behind_the_scores_is_not_taken_for_them(line: str, tmp_path: Path) -> None:
    found = read_pair(*pair(tmp_path, line))
    assert right(found)
    assert any("label or a return code" in note for note in found.notes)


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("{i},{s},{i}", "id,score,time"),
        ("{s} {i}", "similarity index"),
        ("t{i} u{i} {s} 0", "enrollTempl verifTempl simScore returnCode"),
    ],
)
def test_a_header_says_where_the_scores_are(line: str, header: str, tmp_path: Path) -> None:
    assert right(read_pair(*pair(tmp_path, line, header=header)))


def test_a_comparison_with_a_return_code_has_failed(tmp_path: Path) -> None:
    header = "enrollTempl verifTempl simScore returnCode\n"
    mated, nonmated = tmp_path / "m", tmp_path / "n"
    mated.write_text(header + "a b 0.5 0\na c 0.0 4\n")
    nonmated.write_text(header + "a d 0.1 0\na e 0.0 2\n")
    lists = read_score_lists(mated, nonmated)
    assert lists.mated.tolist() == [0.5, -np.inf]
    assert lists.nonmated.tolist() == [0.1]


@pytest.mark.parametrize("line", ["{s}", "a{i} {s}", "a{i};{s}", "a{i};{s};{m}"])
def test_decimal_commas_are_read_and_said(line: str, tmp_path: Path) -> None:
    found = read_pair(*pair(tmp_path, line, comma=True))
    assert right(found)
    assert any("decimal commas" in note for note in found.notes)


@pytest.mark.parametrize(
    ("mated", "nonmated", "said"),
    [
        ("f0 1\nf1 1\n", "f0 0\nf1 0\n", "that is a label or a return code"),
        ("a 57 1\nb 44 1\n", "a 12 0\nb 13 0\n", "the last may be a label"),
        ("a .5 1\nb .4 0\n", "a .2 0\nb .1 1\n", "stands behind the scores"),
        ("0.5 a 3 1.5 2\n0.25 b 4 2.5 2\n", "0.1 a 5 3.5 2\n0.2 b 6 4.5 2\n", "several numbers"),
        ("0,5\n0.7\n", "0.1\n0.2\n", "another decimal sign"),
    ],
)
def test_what_cannot_be_told_is_refused(
    mated: str, nonmated: str, said: str, tmp_path: Path
) -> None:
    files = tmp_path / "m.txt", tmp_path / "n.txt"
    for path, text in zip(files, (mated, nonmated), strict=True):
        path.write_text(text)
    with pytest.raises(DataError) as refused:
        read_pair(*files)
    assert said in str(refused.value)


def test_scores_that_are_all_equal_are_read_and_pointed_out(tmp_path: Path) -> None:
    files = tmp_path / "m.txt", tmp_path / "n.txt"
    for path in files:
        path.write_text("0.5\n" * 8)
    found = read_pair(*files)
    assert [note.split(":")[0] for note in found.notes] == [
        "every score of m.txt is 0.5",
        "every score of n.txt is 0.5",
    ]


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("{i} e{i}.tmpl v{i}.tmpl {s} 0", ""),
        ("e{i} v{i} {s} 0", "enrollTempl verifTempl simScore returnCode"),
        ("{i} {s} 0", "id score returncode"),
    ],
)
def test_logs_of_comparisons_one_to_one_are_read(line: str, header: str, tmp_path: Path) -> None:
    assert right(read_pair(*pair(tmp_path, line, header=header)))


@pytest.mark.parametrize("more", ["mean 1.99", "EER = 0.1", "a b 0.5"])
def test_lines_of_more_words_than_others_are_said(more: str, tmp_path: Path) -> None:
    mated, nonmated = pair(tmp_path, "{s}")
    mated.write_text(mated.read_text() + more + "\n")
    words = len(more.split())
    said = f"gen.txt: has lines of 1 and of {words} words; the last column of each is read as its"
    assert f"{said} score" in read_pair(mated, nonmated).notes


@pytest.mark.parametrize("column", ["distance", "cosine_dist", "Euclidean distance"])
def test_distances_are_said(column: str, tmp_path: Path) -> None:
    found = read_pair(*pair(tmp_path, "a{i},b{i},{s}", header=f"probe,reference,{column}"))
    assert right(found)
    assert sum("change the sign of distances" in note for note in found.notes) == 2


def bell(bins: int, centre: float, width: float, size: float) -> list[int]:
    places = np.arange(bins)
    return [round(size * np.exp(-(((place - centre) / width) ** 2))) for place in places]


@pytest.mark.parametrize(("bins", "centre", "width"), [(60, 15, 8), (300, 40, 30), (30, 10, 5)])
def test_pyeer_s_histogram_is_a_histogram(
    bins: int, centre: float, width: float, tmp_path: Path
) -> None:
    counts = bell(bins, centre, width, 900)
    scores = RNG.normal(centre + 2 * width, width, 200).round().clip(0).astype(int)
    mated, nonmated = tmp_path / "m.txt", tmp_path / "n.txt"
    mated.write_text("".join(f" {s}\r\n" for s in scores))
    nonmated.write_text("".join(f"{c}\r\n" for c in counts))
    found = read_pair(mated, nonmated)
    assert any("read as a histogram" in note for note in found.notes)
    lists = read_score_lists(mated, nonmated)
    expected = np.repeat(np.arange(bins), counts)
    assert np.array_equal(np.sort(lists.nonmated), expected)
    told = pyeer_eer(lists)
    if told.value is not None:
        stats = pytest.importorskip("pyeer.eer_info")
        own = stats.get_eer_stats(scores.tolist(), counts, True).eer
        assert abs(own - eer(lists.mated, lists.nonmated)) <= lists.step
    # Read as scores they would be something else, and that can be asked for.
    assert len(read_pair(mated, nonmated, "scores").nonmated.scores) == bins


@pytest.mark.parametrize("columns", ["{x:.2f} {c}", "{x:.2f},{c}", "{x:.2f}\t{c}"])
def test_two_columns_are_scores_and_counts(columns: str, tmp_path: Path) -> None:
    for name, centre in (("m.txt", 0.7), ("n.txt", 0.3)):
        rows = zip(np.linspace(0, 1, 21), bell(21, 20 * centre, 4, 50), strict=True)
        text = "".join(columns.format(x=x, c=c) + "\n" for x, c in rows)
        (tmp_path / name).write_text(text)
    lists = read_score_lists(tmp_path / "m.txt", tmp_path / "n.txt")
    assert len(lists.mated) == sum(bell(21, 14, 4, 50))
    assert abs(lists.mated.mean() - 0.7) < 0.02


@pytest.mark.parametrize(
    "order",
    [
        lambda values: np.sort(values)[::-1],
        lambda values: np.sort(values.reshape(10, -1))[:, ::-1].ravel(),
    ],
)
def test_falling_whole_numbers_may_be_scores_or_counts(order: object, tmp_path: Path) -> None:
    values = RNG.integers(0, 400, 120)
    (tmp_path / "m.txt").write_text("".join(f"{s}\n" for s in RNG.integers(200, 900, 60)))
    (tmp_path / "n.txt").write_text("".join(f"{s}\n" for s in order(values)))  # type: ignore[operator]
    with pytest.raises(DataError, match="--format scores .* --format histogram"):
        read_pair(tmp_path / "m.txt", tmp_path / "n.txt")
    as_scores = read_pair(tmp_path / "m.txt", tmp_path / "n.txt", "scores")
    assert sorted(as_scores.nonmated.scores) == sorted(values)
    as_counts = read_pair(tmp_path / "m.txt", tmp_path / "n.txt", "histogram")
    assert int(as_counts.nonmated.expanded.size) == int(values.sum())


@pytest.mark.parametrize("seed", range(8))
def test_whole_scores_in_no_order_are_scores(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    (tmp_path / "m.txt").write_text("".join(f"{s}\n" for s in rng.poisson(90, 60)))
    (tmp_path / "n.txt").write_text("".join(f"{s}\n" for s in rng.poisson(40, 400)))
    found = read_pair(tmp_path / "m.txt", tmp_path / "n.txt")
    assert (found.forms, found.notes) == (("scores",), ())


def test_unknown_formats_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'histogram'"):
        read_pair(*pair(tmp_path, "{s}"), "histogramm")
