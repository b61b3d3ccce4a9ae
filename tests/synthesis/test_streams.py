"""Random streams belong to their names, on every machine."""

from __future__ import annotations

from harness.synthesis.streams import stream

EXPECTED_STREAM = [235239126, 363354095]


def test_a_stream_is_the_same_on_every_machine() -> None:
    # Written down once; a change means that all pictures change.
    assert stream(0, "subject", 12).integers(1 << 30, size=2).tolist() == EXPECTED_STREAM


def test_streams_of_different_names_differ() -> None:
    assert stream("a", "bc").random() != stream("ab", "c").random()
    assert stream("1").random() != stream(1).random()
