"""Folds of data sets without lists: identities apart, roles dealt, the record's own word first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.data.records import Dataset, Record
from harness.errors import DataError
from harness.tasks import detection, identification
from harness.tasks.clusters import components
from harness.tasks.folds import fold_named, restrict
from harness.tasks.protocol import Protocol


def dataset(*records: Record) -> Dataset:
    return Dataset("set", Path("/set"), "csv", {record.name: record for record in records})


def made(name: str, **facts: Any) -> Record:
    return Record(name, Path("/set") / name, **facts)


def protocol(task: str = "identification", mated_by: str = "tattoo", **rules: Any) -> Protocol:
    return Protocol.model_validate(
        {
            "version": 1,
            "title": "t",
            "question": "q",
            "task": task,
            "headline": "map",
            "metrics": ["map"],
            "data": {"use-case": "u", "mated-by": mated_by},
            "folds": rules,
        }
    )


def several(identities: int, images: int) -> Dataset:
    return dataset(
        *(made(f"t{i}/{k}", tattoo=f"t{i}") for i in range(identities) for k in range(images))
    )


def test_every_identity_is_judged_in_one_fold_and_trains_in_no_other_part_of_it() -> None:
    data = several(11, 3)
    folds = identification.TASK.lay_out(data, protocol(count=4))
    judged: list[str] = []
    for fold in folds:
        inside = {name.split("/")[0] for name in (*fold.probes, *fold.gallery)}
        assert not inside & {name.split("/")[0] for name in fold.train}
        assert len(fold.train) == 33 - len(fold.probes) - len(fold.gallery)
        judged += fold.probes + fold.gallery
    assert sorted(judged) == sorted(data.records)


def test_one_reference_of_each_identity_is_enrolled_and_the_others_are_probes() -> None:
    for fold in identification.TASK.lay_out(several(6, 4), protocol(count=2)):
        assert len(fold.gallery) == 3
        assert len(fold.probes) == 9
        assert {probe.split("/")[0] for probe, _ in fold.mates} == {
            name.split("/")[0] for name in fold.gallery
        }


def test_the_probes_of_an_identity_can_be_limited() -> None:
    for fold in identification.TASK.lay_out(
        several(6, 9), protocol(count=2, references=2, probes=3)
    ):
        assert len(fold.gallery) == 6
        assert len(fold.probes) == 9
        assert not set(fold.probes) & set(fold.gallery)


def test_the_same_seed_gives_the_same_folds_whatever_the_order_of_the_records() -> None:
    data = several(10, 2)
    turned = dataset(*reversed(list(data.records.values())))
    first = identification.TASK.lay_out(data, protocol(count=5, seed=1))
    assert identification.TASK.lay_out(turned, protocol(count=5, seed=1)) == first
    assert identification.TASK.lay_out(data, protocol(count=5, seed=2)) != first


def test_roles_in_the_manifest_win_and_background_joins_where_the_protocol_says_so() -> None:
    data = dataset(
        made("a1", tattoo="a", role="reference"),
        made("a2", tattoo="a", role="probe"),
        made("b1", tattoo="b", role="probe"),
        made("x", role="background"),
    )
    (fold,) = identification.TASK.lay_out(data, protocol(count=1))
    assert fold.gallery == ("a1",)
    # Nobody enrolled b: that is an open-set question, which this task does not ask.
    assert fold.probes == ("a2",)
    with_background = protocol(count=1).model_copy(
        update={"data": protocol().data.model_copy(update={"background": True})}
    )
    (fold,) = identification.TASK.lay_out(data, with_background)
    assert fold.gallery == ("a1", "x")


def test_media_say_the_roles_where_the_protocol_names_probe_media() -> None:
    data = dataset(
        *(made(f"{i}s", tattoo=str(i), media="sketch") for i in range(4)),
        *(made(f"{i}p", tattoo=str(i), media="photo") for i in range(4)),
    )
    rules: dict[str, Any] = {"count": 2, "probe-media": ["sketch"]}
    for fold in identification.TASK.lay_out(data, protocol(**rules)):
        assert all(name.endswith("s") for name in fold.probes)
        assert all(name.endswith("p") for name in fold.gallery)


def test_train_patterns_keep_records_out_of_every_judged_list() -> None:
    (fold,) = identification.TASK.lay_out(several(6, 3), protocol(count=1, train=["t[0-2]/*"]))
    assert fold.name == "test"
    assert {name[:2] for name in fold.train} == {"t0", "t1", "t2"}
    assert {name[:2] for name in (*fold.probes, *fold.gallery)} == {"t3", "t4", "t5"}


def test_folds_named_in_the_manifest_are_kept() -> None:
    data = dataset(
        *(made(f"{i}{k}", tattoo=str(i), fold="ab"[i % 2]) for i in range(4) for k in "xy")
    )
    folds = identification.TASK.lay_out(data, protocol(count=5))
    assert [fold.name for fold in folds] == ["a", "b"]
    assert {name[0] for name in folds[0].probes} == {"0", "2"}


def test_what_cannot_be_folded_is_refused_with_the_reason() -> None:
    with pytest.raises(DataError, match="3 identities, too few for 5 folds"):
        identification.TASK.lay_out(several(3, 2), protocol(count=5))
    with pytest.raises(DataError, match="no 'group'.*Add the column 'group'"):
        identification.TASK.lay_out(several(6, 2), protocol(mated_by="group", count=2))
    with pytest.raises(DataError, match="no tattoo has both"):
        identification.TASK.lay_out(several(6, 1), protocol(count=2))
    with pytest.raises(DataError, match="some records name their fold and 1 do not"):
        identification.TASK.lay_out(
            dataset(made("a", tattoo="a", fold="1"), made("b", tattoo="b")), protocol(count=1)
        )
    with pytest.raises(DataError, match="no image left to judge"):
        identification.TASK.lay_out(several(2, 2), protocol(count=1, train=["*"]))
    with pytest.raises(DataError, match="have no label"):
        detection.TASK.lay_out(several(2, 2), protocol(count=1))


def test_detection_keeps_the_images_of_a_tattoo_in_one_fold() -> None:
    data = dataset(
        *(made(f"t{i}{k}", tattoo=str(i), label="tattoo") for i in range(6) for k in "xy"),
        *(made(f"n{i}", label="non-tattoo") for i in range(6)),
    )
    for fold in detection.TASK.lay_out(data, protocol("detection", count=3)):
        tattoos = [name[1] for name in fold.probes if name.startswith("t")]
        assert all(tattoos.count(tattoo) == 2 for tattoo in tattoos)
        assert not set(fold.probes) & set(fold.train)


def test_components_join_what_mated_pairs_connect() -> None:
    group = components([("p", "a"), ("q", "b"), ("q", "a"), ("r", "c")])
    assert len({group[name] for name in "pqab"}) == 1
    assert group["r"] == group["c"] != group["p"]


def test_only_folds_that_exist_can_be_asked_for() -> None:
    folds = identification.TASK.lay_out(several(6, 2), protocol(count=3))
    assert [fold.name for fold in restrict(folds, ["2"])] == ["2"]
    assert restrict(folds, []) == folds
    with pytest.raises(DataError, match="no fold 7; there are: 1, 2, 3"):
        restrict(folds, ["7"])
    assert [fold.name for fold in restrict(folds, ["fold-2", "1"])] == ["1", "2"]
    with pytest.raises(DataError, match="there is no fold fold-7"):
        restrict(folds, ["fold-7"])


def test_a_fold_that_is_called_fold_1_is_meant_by_its_own_name() -> None:
    assert fold_named("fold-1", ["1", "fold-1"]) == "fold-1"
    assert fold_named("fold-a", ["a", "b"]) == "a"
    assert fold_named("1", ["fold-1"]) == "1"
