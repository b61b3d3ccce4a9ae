"""Data that cannot answer a question is refused with what is missing, before anything slow."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.plugins.places import bundled
from harness.runs.preparing import (
    Request,
    judged_by,
)
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.reading import read_protocol

from ..conftest import Ran, save_png

Row = dict[str, str]


def write(root: Path, rows: Sequence[Row]) -> Path:
    """Write a manifest and a picture of noise for each of its lines."""
    rng = np.random.default_rng(3)
    root.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for row in rows:
        path = root / row["image"]
        path.parent.mkdir(parents=True, exist_ok=True)
        save_png(path, rng.integers(0, 256, (12, 12, 3)))
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, columns, restval="")
        table.writeheader()
        table.writerows(rows)
    return root


def tattoos(count: int, pictures: int, **facts: Callable[[int, int], str]) -> list[Row]:
    """Return lines of several pictures of several tattoos; facts follow from both numbers."""
    return [
        {"image": f"t{t}-{k}.png", **{name: fact(t, k) for name, fact in facts.items()}}
        for t in range(count)
        for k in range(pictures)
    ]


def tattoo(t: int, k: int) -> str:
    return f"t{t}"


def asked(protocol: str, root: Path, **more: object) -> ProtocolOnData:
    return judged_by(protocol, Request((), (protocol,), root, **more))  # type: ignore[arg-type]


def refusal(protocol: str, root: Path) -> str:
    with pytest.raises(DataError) as caught:
        asked(protocol, root)
    return str(caught.value)


def notes(judged: ProtocolOnData) -> dict[str, str]:
    return {finding.code: finding.text for finding in judged.findings}


def test_mixed_media_needs_media(tmp_path: Path) -> None:
    rows = tattoos(12, 2, tattoo=tattoo, role=lambda t, k: "reference" if k else "probe")
    said = refusal("mixed-media", write(tmp_path, rows))
    assert "no picture has a medium" in said
    assert "column 'media'" in said


@pytest.mark.parametrize("only", ["photo", "sketch"])
def test_mixed_media_needs_two_media(tmp_path: Path, only: str) -> None:
    rows = tattoos(12, 2, tattoo=tattoo, media=lambda t, k: only)
    assert f"all 24 pictures whose medium is known are '{only}'" in refusal(
        "mixed-media", write(tmp_path, rows)
    )


def test_mixed_media_needs_one_of_its_media_and_another(tmp_path: Path) -> None:
    def both(t: int, k: int) -> str:
        return "sketch" if k else "graffiti"

    rows = tattoos(12, 2, tattoo=tattoo, media=both)
    assert "none of another medium to search among" in refusal("mixed-media", write(tmp_path, rows))


def test_media_that_are_partly_missing_are_counted_and_said(tmp_path: Path) -> None:
    rows = tattoos(
        12, 3, tattoo=tattoo, media=lambda t, k: ("sketch", "photo", "photo" if t else "")[k]
    )
    found = notes(asked("mixed-media", write(tmp_path, rows)))
    assert "1 of 36 pictures have no medium, e.g. 't0-2.png'" in found["pictures-without-a-medium"]


def test_sound_data_has_no_remark_about_what_is_missing(tmp_path: Path) -> None:
    rows = tattoos(12, 2, tattoo=tattoo, media=lambda t, k: "photo" if k else "sketch")
    codes = set(notes(asked("mixed-media", write(tmp_path, rows))))
    assert codes <= {"small-galleries"}


def test_photographs_as_probes_of_mixed_media_are_said(tmp_path: Path) -> None:
    rows = tattoos(
        12,
        2,
        tattoo=tattoo,
        media=lambda t, k: "photo" if k or t == 4 else "sketch",
        role=lambda t, k: "reference" if k else "probe",
    )
    found = notes(asked("mixed-media", write(tmp_path, rows)))
    assert found["probes-of-another-medium"].startswith("1 probe is no sketch")


def test_similarity_needs_a_second_person_in_a_group(tmp_path: Path) -> None:
    for t in range(12):
        for k in range(2):
            path = tmp_path / "people" / f"anna {t}" / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_png(path, np.random.default_rng(t * 2 + k).integers(0, 256, (12, 12, 3)))
    said = refusal("similarity", tmp_path / "people")
    assert "no group has a second person: all 12 mated pairs" in said

    rows = tattoos(12, 2, group=tattoo, subject=tattoo)
    assert "no group has a second person" in refusal("similarity", write(tmp_path / "csv", rows))


def test_mates_on_the_same_person_are_counted_where_others_are_not(tmp_path: Path) -> None:
    rows = tattoos(
        12, 2, group=tattoo, subject=lambda t, k: "anna" if t == 3 else f"person {t} {k}"
    )
    found = notes(asked("similarity", write(tmp_path, rows)))
    assert found["mates-on-the-same-person"].startswith("1 of 12 mated pairs")


def test_groups_without_subjects_run_and_say_that_persons_are_not_known(tmp_path: Path) -> None:
    found = notes(asked("similarity", write(tmp_path, tattoos(12, 2, group=tattoo))))
    assert (
        "whether 12 of 12 mated pairs are on two people is not known"
        in (found["mates-of-unknown-persons"])
    )


@pytest.mark.parametrize(
    "protocol", ["identification", "verification", "closed-set", "open-set", "similarity"]
)
def test_one_picture_of_each_tattoo_answers_nothing(tmp_path: Path, protocol: str) -> None:
    root = write(tmp_path, tattoos(20, 1, tattoo=tattoo, group=tattoo))
    assert "has two pictures: there are 20, each with one" in refusal(protocol, root)


def test_identification_needs_two_captures_of_a_tattoo(tmp_path: Path) -> None:
    root = write(tmp_path / "one", tattoos(12, 3, tattoo=tattoo, source=tattoo))
    said = refusal("identification", root)
    assert "no tattoo has two captures: all 24 mated pairs show one photograph twice" in said
    # Another question is about copies, too.
    assert asked(by_tattoos(tmp_path, "closed-set"), root).folds

    def source(t: int, k: int) -> str:
        return f"{t}" if t else f"{t} {k}"

    other = write(tmp_path / "two", tattoos(12, 3, tattoo=tattoo, source=source))
    assert asked("identification", other).folds


def test_region_needs_to_know_which_pictures_are_regions(tmp_path: Path) -> None:
    root = write(tmp_path / "none", tattoos(12, 2, tattoo=tattoo))
    assert "no picture has the role 'probe' or 'reference'" in refusal("region", root)
    rows = tattoos(12, 2, tattoo=tattoo, role=lambda t, k: "reference")
    assert "no picture has the role 'probe'," in refusal("region", write(tmp_path / "one", rows))
    rows = tattoos(12, 2, tattoo=tattoo, role=lambda t, k: "reference" if k else "probe")
    assert asked("region", write(tmp_path / "both", rows)).folds


@pytest.mark.parametrize("there", ["tattoo", "non-tattoo"])
def test_detection_needs_pictures_with_and_without_a_tattoo(tmp_path: Path, there: str) -> None:
    other = ({"tattoo", "non-tattoo"} - {there}).pop()
    said = refusal("detection", write(tmp_path, tattoos(20, 1, label=lambda t, k: there)))
    assert f"all 20 pictures have the label '{there}' and none has '{other}'" in said


def test_style_needs_pictures_of_its_styles(tmp_path: Path) -> None:
    root = write(tmp_path, tattoos(20, 1, style=lambda t, k: "tribal"))
    assert "no image of style 'watercolor'" in refusal("style", root)


STRANGER = """
version = 1
title = "Mine"
question = "Which photographs show the tattoo of the drawing?"
task = "identification"
headline = "hit-rate@rank=1"
metrics = ["hit-rate@rank=1"]

[data]
use-case = "mine"
needs = ["media", "other-subjects"]
"""


def test_a_strangers_protocol_states_its_needs_and_gets_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(STRANGER)
    root = write(tmp_path / "set", tattoos(12, 2, tattoo=tattoo, role=lambda t, k: "probe"))
    assert "no picture has a medium" in refusal(str(file), root)
    file.write_text(STRANGER.replace('"media"', '"mediums"'))
    with pytest.raises(UsageError, match=r"needs.*'media'.*got 'mediums'"):
        read_protocol(file)
    # What follows from its rules needs no word of its own.
    file.write_text(
        STRANGER.replace('needs = ["media", "other-subjects"]', "")
        + '[folds]\nprobe-media = ["sketch"]\n'
    )
    assert "no picture has a medium: the question is about sketch" in refusal(str(file), root)


def test_the_command_exits_with_2_before_any_run_folder_is_made(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    root = write(tmp_path / "set", tattoos(12, 2, tattoo=tattoo))
    ran = harness(
        *("run", "--protocol", "mixed-media", "--algo", "colours"),
        *("--data", root, "--out", tmp_path / "runs"),
    )
    assert ran.code == 2
    assert "cannot answer the question of 'mixed-media'" in ran.err
    assert not (tmp_path / "runs").exists()


def by_tattoos(folder: Path, protocol: str) -> str:
    """Return the file of a built-in protocol that goes by tattoos."""
    text = bundled("protocols").joinpath(f"{protocol}.toml").read_text()
    file = folder / f"{protocol}.toml"
    file.write_text(text.replace('mated-by = "group"', 'mated-by = "tattoo"'))
    return str(file)


@pytest.mark.parametrize("protocol", ["verification", "closed-set", "open-set"])
def test_where_only_groups_are_known_the_question_is_about_look_alikes(
    tmp_path: Path, protocol: str
) -> None:
    file = by_tattoos(tmp_path, protocol)
    by_tattoo = asked(file, write(tmp_path / "t", tattoos(20, 2, tattoo=tattoo)))
    assert "look" not in by_tattoo.protocol.question
    by_group = asked(file, write(tmp_path / "g", tattoos(20, 2, group=tattoo)))
    assert by_group.protocol.data.mated_by == "group"
    assert "look-alikes" in by_group.protocol.title
    assert "look" in by_group.protocol.question
    assert by_group.folds[0].mates


def test_every_page_says_that_mates_are_look_alikes(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    root = write(tmp_path / "g", tattoos(20, 2, group=tattoo))
    file = by_tattoos(tmp_path, "closed-set")
    words = ("run", "--protocol", file, "--algo", "colours,random", "--data", root)
    ran = harness(*words)
    assert ran.code == 0, ran.err
    assert "mates are look-alikes" in ran.out
    assert "finds a look-alike for" in ran.out
    folders = [tmp_path / "work" / run["folder"] for run in harness(*words, "--json").json["runs"]]
    site, page, gate = (tmp_path / name for name in ("site", "page.html", "gate"))
    assert harness("leaderboard", tmp_path / "work" / "runs", "--out", site).code == 0
    assert harness("compare", *folders, "--out", page).code == 0
    harness("gate", "--baseline", folders[0], "--candidate", folders[0], "--out", gate)
    (board,) = site.glob("board-*.html")
    for text in (folders[0] / "report.html", board, page):
        assert "Mates are look-alikes: tattoos of one group" in text.read_text()
    assert "finds a look-alike for" in (folders[0] / "report.html").read_text()
    for text in (folders[0] / "report.html", board, page, site / "index.html", gate / "gate.md"):
        assert "Closed" in text.read_text()
        assert "of look" in text.read_text()


def test_other_protocols_refuse_groups_and_say_who_asks_about_them(tmp_path: Path) -> None:
    said = refusal("identification", write(tmp_path, tattoos(12, 2, group=tattoo)))
    assert "24 of 24 pictures have no 'tattoo'" in said
    assert 'mated-by = "group"' in said


def test_a_few_pictures_without_a_tattoo_are_a_cell_to_fill_not_a_column(tmp_path: Path) -> None:
    rows = tattoos(12, 2, tattoo=lambda t, k: f"t{t}" if (t, k) != (3, 1) else "")
    said = refusal("identification", write(tmp_path, rows))
    assert "1 of 24 pictures have no 'tattoo'" in said
    assert "'t3-1.png' (manifest.csv:9). Fill the cell in the column 'tattoo'" in said


def test_small_galleries_are_said_with_what_fewer_folds_would_give(tmp_path: Path) -> None:
    root = write(tmp_path / "set", tattoos(30, 2, tattoo=tattoo))
    found = notes(asked("identification", root))
    assert found["small-galleries"].startswith("in 5 folds galleries hold 6 images")
    assert "with --folds 2 they would hold about 15" in found["small-galleries"]
    assert "with --folds 1, for algorithms that do not learn, 30" in found["small-galleries"]
    # One gallery of 30 at rank 10 leaves room.
    assert notes(asked("identification", root, fold_count=1)) == {}


def test_a_number_of_folds_can_be_asked_for_and_is_part_of_the_recipe(tmp_path: Path) -> None:
    root = write(tmp_path / "set", tattoos(12, 2, tattoo=tattoo))
    two = asked("identification", root, fold_count=2)
    assert [len(fold.gallery) for fold in two.folds] == [6, 6]
    assert len(asked("identification", root).folds) == 5
    (one,) = asked("identification", root, fold_count=1).folds
    assert len(one.gallery) == 12
    rows = tattoos(12, 2, tattoo=tattoo, fold=lambda t, k: str(t % 2))
    with pytest.raises(UsageError, match="brings folds of its own"):
        asked("identification", write(tmp_path / "own", rows), fold_count=2)


def test_folds_asked_for_change_the_identity_and_stand_in_the_command(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    root = write(tmp_path / "set", tattoos(12, 2, tattoo=tattoo))
    words = ("run", "--protocol", "identification", "--algo", "colours", "--data", root, "--json")
    found = [
        harness(*words, "--fold", "1", *more).json["runs"][0]
        for more in ((), ("--folds", "2"), ("--folds", "5"))
    ]
    assert found[0]["identity"] != found[1]["identity"]
    manifest = (tmp_path / "work" / found[1]["folder"] / "manifest.json").read_text()
    assert "--folds 2 --fold 1" in manifest
