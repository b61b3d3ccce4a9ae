"""Metric ids print and parse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.ids import Metric

words = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
values = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words.filter(lambda word: word not in ("nan", "inf", "infinity"))
)
metrics = st.builds(
    lambda name, options: Metric(name, tuple(options.items())),
    words,
    st.dictionaries(words, values, max_size=4),
)


@given(metrics)
def test_every_metric_parses_back_from_what_it_prints(metric: Metric) -> None:
    assert Metric.parse(str(metric)) == metric
    assert str(Metric.parse(str(metric))) == str(metric)


@given(metrics, metrics)
def test_metrics_are_equal_exactly_when_they_print_alike(one: Metric, other: Metric) -> None:
    assert (one == other) == (str(one) == str(other))


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("eer", "eer"),
        ("hit-rate@rank=10", "hit-rate@rank=10"),
        ("hit-rate@rank=1e1", "hit-rate@rank=10"),
        ("hit-rate@rank=010", "hit-rate@rank=10"),
        ("fnmr@fmr=1e-3", "fnmr@fmr=0.001"),
        ("fnmr@fmr=.001", "fnmr@fmr=0.001"),
        ("fnmr@fmr=1.0", "fnmr@fmr=1"),
        ("fnmr@fmr=1e-5", "fnmr@fmr=1e-05"),
        ("fnir@rank=1,fpir=0.010", "fnir@fpir=0.01,rank=1"),
        ("ece@prior=-2", "ece@prior=-2"),
        ("tagging@average=macro", "tagging@average=macro"),
    ],
)
def test_spellings_of_one_metric_print_alike(spelling: str, canonical: str) -> None:
    assert str(Metric.parse(spelling)) == canonical
    assert Metric.parse(spelling) == Metric.parse(canonical)
    assert hash(Metric.parse(spelling)) == hash(Metric.parse(canonical))


@pytest.mark.parametrize(
    ("text", "blamed"),
    [
        ("", "''"),
        ("EER", "'EER'"),
        ("hit_rate", "'hit_rate'"),
        ("hit-rate@", "'hit-rate@'"),
        ("hit-rate@rank", "'rank'"),
        ("hit-rate@rank=", "'rank='"),
        ("hit-rate@=10", "'=10'"),
        ("hit-rate@rank=10,", "''"),
        ("hit-rate@rank=10,rank=20", "twice"),
        ("hit-rate@Rank=10", "'Rank'"),
        ("fnmr@fmr=nan", "'nan'"),
        ("fnmr@fmr=inf", "'inf'"),
        ("fnmr@fmr=-inf", "'-inf'"),
        ("fnmr@fmr=1e999", "inf"),
        ("fnmr@fmr=0.1 ", "'0.1 '"),
        ("fnmr@fmr=1=2", "'1=2'"),
        ("a@b=c@d=e", "'c@d=e'"),
    ],
)
def test_a_text_that_is_no_metric_is_refused_and_quoted(text: str, blamed: str) -> None:
    with pytest.raises(ValueError, match=blamed):
        Metric.parse(text)


def test_numbers_of_numpy_become_plain_ones() -> None:
    metric = Metric("fnmr", (("fmr", float(np.float64(0.001))), ("rank", int(np.int64(3)))))
    assert Metric("fnmr", (("fmr", np.float64(0.001)), ("rank", np.int64(3)))) == metric  # type: ignore[arg-type]
    assert str(Metric("fnmr", (("fmr", np.float64(0.001)),))) == "fnmr@fmr=0.001"


def test_a_truth_value_is_no_option() -> None:
    with pytest.raises(ValueError, match="True"):
        Metric("eer", (("hull", True),))


def test_options_are_read_by_name() -> None:
    assert Metric.parse("fnir@fpir=0.01,rank=1")["rank"] == 1
    with pytest.raises(KeyError):
        Metric.parse("eer")["rank"]
