"""The Safebooru pipeline: dictionary, choice, check and resizing, with a list of refusals."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from harness.data.importers.downloads import NotFetchedError
from harness.data.importers.safebooru import Wishes, collect, dictionary
from harness.data.readers.layouts import open_dataset
from harness.errors import UsageError
from tests.conftest import run_harness
from tests.data.test_safebooru import sheet

TAGS = {1: "girl hair", 2: "girl hair", 3: "girl hat", 4: "girl hat rare", 5: "cat", 6: "girl"}
WISHES = Wishes(min_use=2, per_tag=2, size=24)


def line(number: int, tags: str) -> str:
    return f"{number},x,s,1,u,1,1,http://safebooru.org/t/{number}.jpg,{tags}"


def picture(seed: int, side: int = 40, form: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side + 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, form)
    return file.getvalue()


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path, Path]:
    images = tmp_path / "given"
    images.mkdir()
    for number in TAGS:
        (images / f"{number}.jpg").write_bytes(picture(number))
    return sheet(tmp_path, *(line(n, t) for n, t in TAGS.items())), images, tmp_path / "out"


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_dictionary_has_the_tags_that_are_used_often_enough(tmp_path: Path) -> None:
    file = sheet(tmp_path, *(line(n, t) for n, t in TAGS.items()))
    assert dictionary(file, 2) == {"girl": 5, "hair": 2, "hat": 2}
    with pytest.raises(UsageError, match=r"used 9 times or more; the commonest: girl \(5\), hair"):
        dictionary(file, 9)


def test_images_are_taken_while_a_tag_lacks_some_with_all_their_tags(given: Any) -> None:
    file, images, out = given
    found = collect(file, out, WISHES, images=images)
    # Nothing is read beyond the fourth line: every tag has two images then.
    assert (found.taken, found.refused, found.passed) == (4, 0, 0)
    assert found.images == {"girl": 4, "hair": 2, "hat": 2}
    assert rows(out / "manifest.csv") == [
        {"image": f"images/{n}.jpg", "tags": tags, "source": f"safebooru-{n}"}
        for n, tags in {1: "girl hair", 2: "girl hair", 3: "girl hat", 4: "girl hat"}.items()
    ]
    assert rows(out / "tags.csv")[0] == {"tag": "girl", "uses": "5", "images": "4"}
    for image in (out / "images").iterdir():
        with PIL.Image.open(image) as kept:
            assert kept.size == (24, 24)


def test_an_image_whose_tags_all_have_enough_is_passed_over(given: Any) -> None:
    file, images, out = given
    found = collect(file, out, Wishes(min_use=2, per_tag=1, size=24), images=images)
    assert [row["image"] for row in rows(out / "manifest.csv")] == ["images/1.jpg", "images/3.jpg"]
    assert found.passed == 1


def test_the_result_is_a_data_set_without_problems(given: Any) -> None:
    file, images, out = given
    collect(file, out, WISHES, images=images)
    found = open_dataset(out, use_case="tattoo_similarity")
    assert not found.problems
    assert found.records["images/3.jpg"].tags == ("girl", "hat")


def test_every_refusal_is_listed_with_its_line_and_reason(given: Any) -> None:
    file, images, out = given
    (images / "1.jpg").write_bytes(picture(1)[:-300])
    (images / "2.jpg").write_bytes(b"<html>not found</html>")
    (images / "3.jpg").unlink()
    with file.open("a") as more:
        more.write("x,y\n" + line(4, "girl hat") + "\n")
    found = collect(file, out, Wishes(min_use=2, per_tag=9, size=24), images=images)
    reasons = {row["id"] + "/" + row["line"]: row["reason"] for row in rows(out / "refused.csv")}
    assert sorted(reasons) == ["/8", "1/2", "2/3", "3/4", "4/9"]
    assert "damaged or truncated" in reasons["1/2"]
    assert reasons["2/3"].startswith("the file ")
    assert reasons["3/4"] == "there is no image file"
    assert "columns" in reasons["/8"]
    assert reasons["4/9"] == "its id stands there twice"
    assert (found.taken, found.refused) == (2, 5)


def test_the_same_call_again_gives_the_same_files_and_reads_no_image_twice(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, images, out = given
    collect(file, out, WISHES, images=images)
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def never(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("harness.data.importers.safebooru.decode", never)
    collect(file, out, WISHES, images=images)
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


class Fetching:
    """Stands for the network: some images are there, one is gone, one server is down."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, url: str, target: Path) -> None:
        number = int(Path(url).stem)
        self.asked.append(url)
        if number == 1:
            raise NotFetchedError("answered 404", permanent=True)
        if number == 2:
            raise NotFetchedError("no answer (Timeout)", permanent=False)
        target.write_bytes(picture(number))


def test_what_is_missing_is_fetched_once_and_what_is_gone_is_not_asked_for_again(
    given: Any,
) -> None:
    file, _, out = given
    network: Any = Fetching()
    collect(file, out, WISHES, downloads=network)
    assert [Path(url).stem for url in network.asked] == ["1", "2", "3", "4"]
    again: Any = Fetching()
    found = collect(file, out, WISHES, downloads=again)
    assert [Path(url).stem for url in again.asked] == ["2"]
    assert found.refused == 2
    assert {row["reason"] for row in rows(out / "refused.csv")} == {
        "download: answered 404",
        "download: no answer (Timeout)",
    }


def test_without_images_and_without_leave_to_download_nothing_is_asked(tmp_path: Path) -> None:
    file = sheet(tmp_path, line(1, "girl"))
    with pytest.raises(UsageError, match="--images DIR, or fetch them: --download"):
        collect(file, tmp_path / "out", WISHES)
    with pytest.raises(UsageError, match="there is no folder of images"):
        collect(file, tmp_path / "out", WISHES, images=tmp_path / "none")


def test_a_set_of_nothing_but_refusals_is_an_error_that_says_where_they_are(
    tmp_path: Path,
) -> None:
    (tmp_path / "given").mkdir()
    file = sheet(tmp_path, line(1, "girl"))
    with pytest.raises(UsageError, match="refused.csv says why"):
        collect(file, tmp_path / "out", Wishes(min_use=1), images=tmp_path / "given")


def test_many_lines_are_read_without_being_kept(tmp_path: Path) -> None:
    import tracemalloc

    file = sheet(tmp_path, *(line(n, "girl hair " + "x" * 200) for n in range(20_000)))
    tracemalloc.start()
    assert dictionary(file, 1)["girl"] == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000 < file.stat().st_size


def test_the_command_makes_a_set_and_says_what_comes_next(given: Any) -> None:
    file, images, out = given
    ran = run_harness(
        "import", "safebooru", file, "--images", images, "--out", out, "--min-use", "2"
    )
    assert ran.code == 0, ran.err
    assert "3 tags; 5 images taken, 0 refused" in ran.out
    assert f"--data {out}" in ran.out
    wrong = run_harness("import", "safebooru", file, "--images", images, "--out", out)
    assert wrong.code == 2
    assert "no tag is used 120001 times or more" in wrong.err
