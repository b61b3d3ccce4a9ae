"""A data set can be looked at before anything is run on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.conftest import Ran, save_png

Command = Callable[..., Ran]


def photographs(place: Path, tattoos: int = 6, shots: int = 3) -> Path:
    for tattoo in range(tattoos):
        (place / f"t{tattoo}").mkdir(parents=True)
        for shot in range(shots):
            flat = np.full((8, 9, 3), (40 * tattoo, 60 * shot, 9))
            save_png(place / f"t{tattoo}" / f"{shot}.png", flat)
    return place


def test_a_folder_is_told_what_it_holds_and_what_it_can_answer(
    harness: Command, tmp_path: Path
) -> None:
    place = photographs(tmp_path / "mine")
    (place / "t0" / "live.heic").write_bytes(b"x")
    ran = harness("data", place)
    assert ran.code == 0, ran.err
    assert "18 pictures, read as 'folders'" in ran.out
    assert "6 tattoos" in ran.out
    assert "skipped 1 picture with the ending .heic" in ran.out
    assert "identification" in ran.out.split("cannot answer")[0]
    assert "mixed-media: no picture has a medium" in ran.out.split("cannot answer")[1]
    # What comes next can be typed as it stands, with galleries as large as can be.
    (line,) = [line for line in ran.out.splitlines() if line.startswith("next: ")]
    assert line.startswith("next: harness run --protocol identification --algo colours,hog ")
    assert f"--data {place} --folds 1 " in line


def test_sizes_are_those_of_the_run(harness: Command, tmp_path: Path) -> None:
    place = photographs(tmp_path / "mine")
    found = harness("data", place, "--json").json
    (answer,) = [one for one in found["answers"] if one["protocol"] == "identification"]
    ran = harness("run", "--protocol", "identification", "--algo", "random", "--data", place)
    assert f"{answer['trials']} searches" in ran.out
    assert answer["galleries"] == [1, 2]
    small = [one["text"] for one in found["findings"] if one["code"] == "small-galleries"]
    assert len(set(small)) == len(small) == 1, "said once, whatever the ranks of the protocols"


def test_problems_come_first_with_their_codes_and_nothing_can_be_asked(
    harness: Command, tmp_path: Path
) -> None:
    place = photographs(tmp_path / "mine")
    (place / "t0" / "0.png").write_bytes(b"no picture")
    ran = harness("data", place, "--json")
    assert ran.code == 2
    first = ran.json["findings"][0]
    assert (first["code"], first["severity"]) == ("files-that-are-not-images", "problem")
    assert "t0/0.png" in first["text"]
    assert not any(answer["can"] for answer in ran.json["answers"])


def test_what_only_decoding_shows_is_told_too(harness: Command, tmp_path: Path) -> None:
    place = photographs(tmp_path / "mine")
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3))
    for name in ("t0/0.png", "t3/2.png"):
        save_png(place / name, noise + len(name))
        (place / name).write_bytes((place / name).read_bytes()[:2000])
    ran = harness("data", place, "--json")
    assert ran.code == 2
    found = ran.json["findings"]
    told = [one for one in found if one["code"] == "pictures-that-cannot-be-used"]
    assert [one["severity"] for one in told] == ["problem"] * 2
    assert [one["text"][:10] for one in told] == ["'t0/0.png'", "'t3/2.png'"]


def test_masks_that_are_not_black_and_white_are_remarked(harness: Command, tmp_path: Path) -> None:
    lines = ["image,tattoo,mask,label"]
    for number in range(4):
        save_png(tmp_path / f"{number}.png", np.full((9, 9, 3), 50 * number))
        mask = np.zeros((9, 9))
        mask[2:5, 2:5] = 1
        save_png(tmp_path / f"m{number}.png", mask)
        lines.append(f"{number}.png,t{number},m{number}.png,tattoo")
    (tmp_path / "set.csv").write_text("\n".join(lines))
    ran = harness("data", tmp_path / "set.csv")
    assert "4 masks have 0 and another value than white" in ran.out


def test_a_place_that_is_no_data_set_is_a_usage_error(harness: Command, tmp_path: Path) -> None:
    ran = harness("data", tmp_path / "nowhere")
    assert ran.code == 2
    assert ran.err.startswith("error: There is no")
