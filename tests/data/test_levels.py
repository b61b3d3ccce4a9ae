"""Folders above those of identities: roles and cameras are no part of a name, all else is said."""

from __future__ import annotations

import pytest

from harness.data.findings import Findings
from harness.data.levels import places


def read(*folders: str) -> tuple[dict[str, tuple[str, str | None]], tuple[str, ...]]:
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
    ],
)
def test_roles_and_cameras_above_identities_are_read_and_said(
    folders: tuple[str, ...], expected: dict[str, tuple[str, str | None]]
) -> None:
    found, said = read(*folders)
    assert found == expected
    assert len(said) == 1
    assert "read as what lies above the folders of identities" in said[0]
    merged = len({identity for identity, _ in expected.values()}) < len(expected)
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
    ],
)
def test_equal_names_below_different_folders_are_different_and_that_is_said(
    folders: tuple[str, ...], names: int
) -> None:
    found, said = read(*folders)
    assert found == {folder: (folder, None) for folder in folders}
    (sentence,) = said
    assert f"'{folders[0]}'" in sentence
    assert f"({names} names are used so)" in sentence


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
