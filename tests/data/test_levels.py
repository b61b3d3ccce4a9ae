"""Folders above those of identities: roles and cameras are no part of a name, all else is said."""

from __future__ import annotations

import pytest

from harness.data.findings import Findings
from harness.data.levels import NESTED, places
from harness.errors import some


def read(*folders: str) -> tuple[dict[str, tuple[str | None, str | None]], tuple[str, ...]]:
    findings = Findings()
    found = places(folders, findings)
    assert findings.problems == ()
    return {name: (place.identity, place.role) for name, place in found.items()}, findings.warnings


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (
            ("probe/a", "reference/a"),
            {"probe/a": ("a", "probe"), "reference/a": ("a", "reference")},
        ),
        (
            ("Query/7/x", "Gallery/7/x"),
            {"Query/7/x": ("7/x", "probe"), "Gallery/7/x": ("7/x", "reference")},
        ),
        (
            ("set/query/a", "set/gallery/a", "set/train/b"),
            {
                "set/query/a": ("set/a", "probe"),
                "set/gallery/a": ("set/a", "reference"),
                "set/train/b": ("set/b", "train"),
            },
        ),
        (
            ("train/a", "val/b", "test/a"),
            {"train/a": ("a", "train"), "val/b": ("b", "train"), "test/a": ("a", None)},
        ),
        (("cam1/a", "cam2/a"), {"cam1/a": ("a", None), "cam2/a": ("a", None)}),
        (
            ("Camera_A/a", "Camera_B/a", "Camera_C/b"),
            {"Camera_A/a": ("a", None), "Camera_B/a": ("a", None), "Camera_C/b": ("b", None)},
        ),
        (
            ("query/cam1/a", "query/cam2/a", "gallery/cam1/a", "gallery/cam2/a"),
            {
                "query/cam1/a": ("a", "probe"),
                "query/cam2/a": ("a", "probe"),
                "gallery/cam1/a": ("a", "reference"),
                "gallery/cam2/a": ("a", "reference"),
            },
        ),
        (
            ("1_Train set/a", "2_Test set/b"),
            {"1_Train set/a": ("a", "train"), "2_Test set/b": ("b", None)},
        ),
        (
            ("query images/a", "gallery-images/a"),
            {"query images/a": ("a", "probe"), "gallery-images/a": ("a", "reference")},
        ),
        (("Probes/a", "Mates/a"), {"Probes/a": ("a", "probe"), "Mates/a": ("a", "reference")}),
        (
            ("query/a", "db/a", "distractors"),
            {
                "query/a": ("a", "probe"),
                "db/a": ("a", "reference"),
                "distractors": (None, "background"),
            },
        ),
        (
            ("spuren/a", "referenz/a", "background/1", "background/2"),
            {
                "spuren/a": ("a", "probe"),
                "referenz/a": ("a", "reference"),
                "background/1": (None, "background"),
                "background/2": (None, "background"),
            },
        ),
    ],
)
def test_roles_and_cameras_above_identities_are_read_and_said(
    folders: tuple[str, ...], expected: dict[str, tuple[str | None, str | None]]
) -> None:
    found, said = read(*folders)
    assert found == expected
    assert len(said) == 1
    assert "read as what lies above the folders of identities" in said[0]
    named = [identity for identity, _ in expected.values() if identity is not None]
    merged = len(set(named)) < len(named)
    assert ("are one tattoo" in said[0]) == merged


@pytest.mark.parametrize(
    "folders",
    [
        ("greek/alpha", "runes/fehu"),
        ("train/a", "rose/a1"),  # a locomotive
        ("cam1/a", "rose/b"),
        ("a", "b/c"),
    ],
)
def test_other_folders_are_a_part_of_the_name(folders: tuple[str, ...]) -> None:
    found, said = read(*folders)
    assert found == {folder: (folder, None) for folder in folders}
    assert said == ()


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("2023/a", "2024/a", "2024/b"), 1),
        (("greek/1", "greek/2", "runes/1", "runes/2"), 2),
        (("anna/left/heart", "berta/right/heart"), 1),
        (("a", "backup/a", "b", "backup/b"), 2),
        (("a", "2019/a"), 1),
    ],
)
def test_equal_names_below_different_folders_are_different_and_that_is_said(
    folders: tuple[str, ...], names: int
) -> None:
    found, said = read(*folders)
    assert found == {folder: (folder, None) for folder in folders}
    (sentence,) = said
    assert f"'{folders[0]}'" in sentence
    assert f"'{folders[1]}'" in sentence or names > 1
    assert f"({some(names, 'name is', 'names are')} used so)" in sentence


@pytest.mark.parametrize(
    "folders",
    [("query", "gallery"), ("set/bounding_box_train", "set/query"), ("cam1", "cam2", "cam3")],
)
def test_pictures_directly_in_folders_of_roles_are_of_nobody(folders: tuple[str, ...]) -> None:
    findings = Findings()
    places(folders, findings)
    (problem,) = findings.problems
    assert f"'{folders[0]}'" in problem
    assert "with the columns image, tattoo, role" in problem


@pytest.mark.parametrize("folders", [("train",), ("probe", "rose"), ("cam1", "rose")])
def test_a_single_such_name_may_be_a_tattoo(folders: tuple[str, ...]) -> None:
    assert read(*folders)[0] == {folder: (folder, None) for folder in folders}


@pytest.mark.parametrize(
    "folders",
    [
        ("a", "a/old", "b"),
        ("x/a", "x/a/small", "x/a/128x128"),
        ("a", "a/1/crops"),
        ("probe/a", "reference/a", "reference/a/retouched"),
    ],
)
def test_a_folder_inside_a_folder_of_pictures_is_said(folders: tuple[str, ...]) -> None:
    findings = Findings()
    found = places(folders, findings)
    (one,) = (one for one in findings.all if one.code == NESTED)
    outer = found[folders[0]].identity
    assert one.text.startswith(f"{outer!r} and '{outer}/")
