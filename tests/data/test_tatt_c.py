"""The Tatt-C reader: folds from lists, and every fault of the lists in one report."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from harness.data.readers.layouts import open_dataset
from harness.data.readers.tatt_c import read_tatt_c
from harness.data.readers.tatt_c_lists import use_cases
from harness.data.records import Dataset
from harness.errors import UsageError

from .sets import add, background, lines, picture, tatt_c

CASE = "tattoo_identification"


def read(root: Path, use_case: str = CASE, *, background: bool = False) -> Dataset:
    return open_dataset(root, use_case=use_case, background=background)


def test_each_fold_has_its_own_lists_and_learns_from_those_of_the_others(tmp_path: Path) -> None:
    data = read(tatt_c(tmp_path, folds=3))
    assert data.problems == ()
    assert data.warnings == ()
    assert data.layout == "tatt-c"
    assert [fold.name for fold in data.folds] == ["1", "2", "3"]
    second = data.folds[1]
    assert second.probes == ("p2-1.png", "p2-2.png")
    assert second.gallery == ("g2-1.png", "g2-2.png")
    assert second.mates == {("p2-1.png", "g2-1.png"), ("p2-2.png", "g2-2.png")}
    assert set(second.train) == {f"{s}{f}-{n}.png" for s in "pg" for f in (1, 3) for n in (1, 2)}
    assert second.train_mates == {
        (f"p{f}-{n}.png", f"g{f}-{n}.png") for f in (1, 3) for n in (1, 2)
    }
    assert second.train_probes == {f"p{f}-{n}.png" for f in (1, 3) for n in (1, 2)}
    assert second.train_references == {f"g{f}-{n}.png" for f in (1, 3) for n in (1, 2)}
    record = data.records["g2-1.png"]
    assert (record.role, record.fold) == ("reference", "2")
    assert record.path == tmp_path / CASE / "images" / "g2-1.png"


def test_the_background_is_searched_after_every_gallery_and_never_learned_from(
    tmp_path: Path,
) -> None:
    background(tatt_c(tmp_path))
    data = read(tmp_path, background=True)
    assert data.problems == ()
    for fold in data.folds:
        assert fold.gallery[-2:] == ("b1.png", "b2.png")
        assert not {"b1.png", "b2.png"} & set(fold.train)
    record = data.records["b1.png"]
    assert (record.role, record.fold) == ("background", None)
    assert "b1.png" not in read(tmp_path, background=False).records


def test_detection_has_labels_and_no_gallery(tmp_path: Path) -> None:
    case = "tattoo_detection"
    for name in ("a.png", "b.png", "c.png", "d.png"):
        picture(tmp_path / case / "images" / name)
    lists = tmp_path / "5-fold" / case
    lines(lists / "probes1.txt", ["a.png", "b.png"])
    lines(lists / "probes2.txt", ["c.png", "d.png"])
    kinds = ["tattoo", "non-tattoo"] * 2
    lines(lists / "ground_truth.txt", [f"{n}.png|{k}" for n, k in zip("abcd", kinds, strict=True)])
    data = read(tmp_path, case, background=True)
    assert data.problems == ()
    assert [record.label for record in data.records.values()] == kinds
    assert data.folds[0].gallery == ()
    assert data.folds[0].train == ("c.png", "d.png")
    lines(lists / "ground_truth.txt", ["a.png|tattoo", "b.png|tatoo", "x.png|tattoo"])
    add(lists / "ground_truth.txt", "a.png|non-tattoo", "c.png|tattoo")
    said = "\n".join(read(tmp_path, case).problems)
    assert "ground_truth.txt:2: 'tatoo' is neither 'tattoo' nor 'non-tattoo'" in said
    assert "ground_truth.txt:3: 'x.png' is in no list" in said
    assert "ground_truth.txt:4: 'a.png' is 'non-tattoo' here and 'tattoo' before" in said
    assert "probes2.txt:2: 'd.png' is not in" in said


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_byte_order_marks_blank_lines_and_space_do_not_matter(
    tmp_path: Path, end: str
) -> None:
    lists = tatt_c(tmp_path) / "5-fold" / CASE
    expected = read(tmp_path)
    for path in lists.iterdir():
        content = path.read_text().split()
        lines(path, ["", *(f"  {line}\t" for line in content), "  "], end=end, mark=b"\xef\xbb\xbf")
        path.write_bytes(path.read_bytes().rstrip())
    again = read(tmp_path)
    assert again == expected
    assert again.problems == ()


def test_names_with_folders_spaces_and_other_alphabets_work(tmp_path: Path) -> None:
    names = ["left arm/Rücken 1.png", "правая рука/龙 #2.png", "100% 'quoted' & <b>.png"]
    lists = tatt_c(tmp_path / "data set é") / "5-fold" / CASE
    for name in names:
        picture(tmp_path / "data set é" / CASE / "images" / name)
    add(lists / "gallery1.txt", *names)
    data = read(tmp_path / "data set é")
    assert data.problems == ()
    assert set(names) < set(data.folds[0].gallery)


@pytest.mark.parametrize(("on_disk", "in_list"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_accents_may_be_written_in_two_ways(tmp_path: Path, on_disk: str, in_list: str) -> None:
    name = "Schädel/Über é.png"
    written = unicodedata.normalize(in_list, name)  # type: ignore[arg-type]
    root = tatt_c(tmp_path)
    path = unicodedata.normalize(on_disk, f"{CASE}/images/{name}")  # type: ignore[arg-type]
    picture(root / path)
    lists = root / "5-fold" / CASE
    add(lists / "probes1.txt", written)
    add(lists / "ground_truth.txt", f"{unicodedata.normalize('NFC', name)}|g1-1.png")
    data = read(root)
    assert data.problems == ()
    assert data.records[name].path.exists()
    assert (name, "g1-1.png") in data.folds[0].mates


def test_everything_wrong_is_in_one_list_with_file_and_line(tmp_path: Path) -> None:
    root = tatt_c(tmp_path)
    lists, images = root / "5-fold" / CASE, root / CASE / "images"
    for name in ("alone.png", "both.png"):
        picture(images / name)
    (images / "g2-2.png").unlink()
    (images / "p1-1.png").write_bytes(b"hello\n")
    add(lists / "probes1.txt", "alone.png", "both.png", "p1-1.png", "p2-1.png")
    add(lists / "gallery1.txt", "both.png", "../../../../etc/passwd", "/etc/passwd")
    add(lists / "ground_truth.txt", "nobody.png|g1-1.png", "g1-1.png|p1-1.png", "p1-1.png|g1-1.png")
    add(lists / "ground_truth.txt", "p1-1.png,g1-1.png", "a|b|c")
    said = read(root).problems
    place = f"5-fold/{CASE}"
    expected = [
        f"{place}/probes1.txt:5: 'p1-1.png' is already at {place}/probes1.txt:1",
        f"{place}/ground_truth.txt:7: 'p1-1.png|g1-1.png' is already at {place}/ground_truth.txt:1",
        f"{place}/probes1.txt:4: 'both.png' is in the gallery of its fold too "
        f"({place}/gallery1.txt:3)",
        f"{place}/gallery1.txt:4: '../../../../etc/passwd' climbs out of its folder with '..'",
        f"{place}/gallery1.txt:5: '/etc/passwd' is an absolute path; names are relative to the "
        "data set",
        f"{place}/probes2.txt:1: 'p2-1.png' is already a probe of another fold "
        f"({place}/probes1.txt:6)",
        f"{place}/ground_truth.txt:8: 'p1-1.png,g1-1.png' is not of the form probe|gallery",
        f"{place}/ground_truth.txt:9: 'a|b|c' is not of the form probe|gallery",
        f"{place}/ground_truth.txt:5: 'nobody.png' is in no list.",
        f"{place}/ground_truth.txt:6: 'g1-1.png' is not a probe of any fold",
        f"{place}/ground_truth.txt:6: 'p1-1.png' is not a gallery image of any fold",
        f"'g2-2.png' is missing: there is no file {images / 'g2-2.png'}",
        "'p1-1.png' is text, not an image",
        "fold 1: probe 'alone.png' has no mate in it",
        "fold 1: probe 'both.png' has no mate in it",
        "fold 1: probe 'p2-1.png' has no mate in it",
    ]
    assert sorted(said) == sorted(expected)


def test_many_problems_of_one_kind_are_counted_not_listed(tmp_path: Path) -> None:
    root = tatt_c(tmp_path)
    add(root / "5-fold" / CASE / "gallery1.txt", *(f"missing {n}.png" for n in range(1_322)))
    said = read(root).problems
    assert len(said) == 11
    assert said[-1] == "... and 1,312 more like this (missing files)"


def test_a_link_out_of_the_root_is_refused_and_one_inside_is_followed(tmp_path: Path) -> None:
    root = tatt_c(tmp_path / "set")
    images = root / CASE / "images"
    secret = picture(tmp_path / "secret.png")
    (images / "file.png").symlink_to(secret)
    picture(tmp_path / "elsewhere" / "x.png")
    (images / "folder").symlink_to(tmp_path / "elsewhere")
    (images / "loop.png").symlink_to(images / "loop.png")
    (images / "inside.png").symlink_to(picture(root / "store" / "y.png"))
    add(
        root / "5-fold" / CASE / "gallery1.txt",
        "file.png",
        "folder/x.png",
        "loop.png",
        "inside.png",
    )
    data = read(root)
    assert len(data.problems) == 3
    assert all("leads out of" in problem for problem in data.problems)
    assert not {"file.png", "folder/x.png", "loop.png"} & set(data.records)
    assert "inside.png" in data.folds[0].gallery


def test_a_root_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    tatt_c(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert read(tmp_path / "link").problems == ()


@pytest.mark.parametrize("name", ["C:\\x.png", "\\\\server\\x.png", "..\\x.png", "a\x00b.png"])
def test_names_that_other_systems_take_for_paths_elsewhere_are_refused(
    tmp_path: Path, name: str
) -> None:
    root = tatt_c(tmp_path)
    add(root / "5-fold" / CASE / "gallery1.txt", name)
    assert len(read(root).problems) == 1


def test_text_that_cannot_be_decoded_is_reported_by_line(tmp_path: Path) -> None:
    lists = tatt_c(tmp_path) / "5-fold" / CASE
    raw = (lists / "gallery1.txt").read_bytes()
    (lists / "gallery1.txt").write_bytes(raw + "Schädel.png\n".encode("latin-1"))
    (lists / "gallery2.txt").write_bytes("g2-1.png\n".encode("utf-16"))
    said = "\n".join(read(tmp_path).problems)
    assert f"5-fold/{CASE}/gallery1.txt:3: 'Sch\ufffddel.png' is not UTF-8 text" in said
    assert f"5-fold/{CASE}/gallery2.txt: is UTF-16; save it as UTF-8" in said


def test_missing_lists_are_reported(tmp_path: Path) -> None:
    lists = tatt_c(tmp_path, folds=3) / "5-fold" / CASE
    (lists / "probes2.txt").unlink()
    (lists / "gallery3.txt").unlink()
    (lists / "ground_truth.txt").unlink()
    said = "\n".join(read(tmp_path).problems)
    for name in ("probes2.txt", "gallery3.txt", "ground_truth.txt"):
        assert f"5-fold/{CASE}/{name}: there is no such file" in said
    background_said = "\n".join(read(tmp_path, background=True).problems)
    assert "background/bg.txt: there is no such file" in background_said


def test_an_empty_list_is_reported(tmp_path: Path) -> None:
    lists = tatt_c(tmp_path) / "5-fold" / CASE
    (lists / "gallery1.txt").write_bytes(b"\n")
    assert f"5-fold/{CASE}/gallery1.txt: names no image" in read(tmp_path).problems


def test_mates_of_different_folds_are_no_mates_and_are_mentioned(tmp_path: Path) -> None:
    lists = tatt_c(tmp_path, folds=3) / "5-fold" / CASE
    add(lists / "ground_truth.txt", "p1-1.png|g2-1.png")
    data = read(tmp_path)
    assert data.problems == ()
    assert data.folds[0].mates == {("p1-1.png", "g1-1.png"), ("p1-2.png", "g1-2.png")}
    assert ("p1-1.png", "g2-1.png") in data.folds[2].train_mates
    assert ("p1-1.png", "g2-1.png") not in data.folds[0].train_mates
    assert len(data.warnings) == 1
    assert (
        "images are in different folds are never compared: 1, such as 'p1-1.png'"
        in data.warnings[0]
    )


def test_a_fold_never_learns_from_an_image_it_is_judged_on(tmp_path: Path) -> None:
    lists = tatt_c(tmp_path) / "5-fold" / CASE
    add(lists / "gallery1.txt", "g2-1.png")
    data = read(tmp_path)
    assert data.problems == ()
    assert [warning for warning in data.warnings if "is in another fold too" in warning]
    for fold in data.folds:
        assert not set(fold.train) & {*fold.probes, *fold.gallery}


def test_a_background_image_may_not_have_the_name_of_another(tmp_path: Path) -> None:
    background(tatt_c(tmp_path), ["b1.png", "p1-1.png"])
    data = read(tmp_path, background=True)
    assert "is the name of an image of the use case too" in "\n".join(data.problems)
    assert "p1-1.png" not in data.folds[0].gallery


def test_the_same_picture_in_probe_and_gallery_is_a_problem_elsewhere_a_warning(
    tmp_path: Path,
) -> None:
    root = tatt_c(tmp_path)
    images = root / CASE / "images"
    background(root)
    picture(images / "p1-1.png", 1)
    picture(images / "g1-2.png", 1)
    picture(images / "p1-2.png", 2)
    picture(images / "g2-2.png", 2)
    picture(images / "p2-1.png", 3)
    picture(root / "background" / "images" / "b1.png", 3)
    data = read(root, background=True)
    same = "are the same picture, byte for byte; probe and gallery of fold"
    assert data.problems == (
        f"'p1-1.png' and 'g1-2.png' {same} 1",
        f"'p2-1.png' and 'b1.png' {same} 2",
    )
    assert data.warnings == ("'p1-2.png' and 'g2-2.png' are the same picture, byte for byte",)


def test_an_optional_manifest_adds_what_lists_cannot_say(tmp_path: Path) -> None:
    root = tatt_c(tmp_path)
    picture(root / "masks" / "p1-1.png")
    lines(
        root / "manifest.csv",
        [
            "image,use_case,tattoo,subject,source,media,role,fold,box,tags,mask",
            f"{CASE}/images/p1-1.png,{CASE},t1,s1,c1,sketch,probe,1,1 2 3 4,rose dagger_2,"
            "masks/p1-1.png",
            "other/images/p1-1.png,other,t9,s9,c9,nonsense,probe,1,,,",
            f"{CASE}/images/g1-1.png,{CASE},t1,s1,c2,photo,reference,2,,,",
        ],
    )
    data = read(root)
    assert data.problems == ()
    record = data.records["p1-1.png"]
    assert (record.tattoo, record.subject, record.source) == ("t1", "s1", "c1")
    assert (record.media, record.box, record.tags) == ("sketch", (1, 2, 3, 4), ("rose", "dagger_2"))
    assert record.mask == root / "masks" / "p1-1.png"
    assert data.records["p1-2.png"].tattoo is None
    assert data.warnings == (
        "manifest.csv:4: says fold '2' of 'g1-1.png', the lists say '1'; the lists are followed",
    )


def test_faults_of_the_manifest_are_reported_only_for_images_in_use(tmp_path: Path) -> None:
    root = tatt_c(tmp_path)
    images = f"{CASE}/images"
    lines(
        root / "manifest.csv",
        [
            "image,media,mask,tatoo",
            f"{images}/p1-1.png,drawing,../m.png,",
            f"{images}/p1-1.png,,,",
            f"{images}/g1-1.png,,missing.png,",
        ],
    )
    said = read(root).problems
    assert said[0].startswith("manifest.csv:1: unknown column 'tatoo'. Did you mean 'tattoo'?")
    assert said[1].startswith("manifest.csv:2: unknown media 'drawing'; known: photo, sketch")
    assert said[2] == "manifest.csv:2: mask '../m.png' climbs out of its folder with '..'"
    assert said[3] == "manifest.csv:3: 'p1-1.png' is already at manifest.csv:2"
    assert said[4].startswith("the mask of 'g1-1.png' is missing")
    assert len(said) == 5


@pytest.mark.parametrize("wrong", ["tatoo_identification", "../x", "", "."])
def test_an_unknown_use_case_is_refused_with_those_there_are(tmp_path: Path, wrong: str) -> None:
    tatt_c(tmp_path)
    with pytest.raises(UsageError, match="5-fold/ has: tattoo_identification") as caught:
        read_tatt_c(tmp_path, wrong, background=False)
    assert ("Did you mean" in str(caught.value)) == (wrong == "tatoo_identification")
    assert use_cases(tmp_path) == [CASE]


def test_images_in_a_folder_spelt_otherwise_are_pointed_out(tmp_path: Path) -> None:
    tatt_c(tmp_path)
    (tmp_path / CASE).rename(tmp_path / "tattoo-identification")
    with pytest.raises(UsageError, match="Did you mean 'tattoo-identification'"):
        read(tmp_path)
