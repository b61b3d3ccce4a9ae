"""An image that an algorithm gave up on is one image, in however many folds it stands."""

from __future__ import annotations

import pytest

from harness.reporting.sections.failures import lines, summary
from harness.tasks.results import Failure


def failed(name: str, folds: str, role: str = "image", why: str = "too dark") -> list[Failure]:
    return [Failure(fold, name, role, why) for fold in folds]


@pytest.mark.parametrize(
    ("failures", "said"),
    [
        (failed("a", "12345"), "1 image (in 5 folds)"),
        (failed("a", "1"), "1 image"),
        (failed("a", "1") + failed("b", "2"), "2 images"),
        (failed("a", "123") + failed("b", "3"), "2 images (in 3 folds)"),
        (
            failed("a", "12", "reference") + failed("a", "3", "probe"),
            "1 probe and 1 reference (in 2 folds)",
        ),
        (failed("a", "1", ""), "1 image"),
        ([], ""),
    ],
)
def test_images_are_counted_once_and_folds_beside_them(failures: list[Failure], said: str) -> None:
    assert summary(failures) == said


def test_a_line_names_all_folds_of_an_image_but_not_of_another_role_or_reason() -> None:
    found = lines(failed("a", "21") + failed("a", "3", "probe") + failed("a", "4", why="no edge"))
    assert [(line.role, line.folds, line.reason) for line in found] == [
        ("image", ("2", "1"), "too dark"),
        ("probe", ("3",), "too dark"),
        ("image", ("4",), "no edge"),
    ]
