"""What mates are: pictures of one tattoo, or tattoos that look alike.

A protocol goes by ``tattoo`` or by ``group``. One that goes by ``tattoo`` may state in
``[look-alikes]`` what it asks where a data set knows groups alone: then its title and question are
those, and every page says what the mates are.
"""

from __future__ import annotations

from harness.data.records import Dataset
from harness.tasks.protocol import Protocol

__all__ = ["MATES", "asked_on"]

MATES = {
    "tattoo": "Mates are pictures of one tattoo.",
    "group": "Mates are look-alikes: tattoos of one group, not the same tattoo.",
}
"""By what makes two pictures mated."""


def asked_on(protocol: Protocol, dataset: Dataset) -> Protocol:
    """Return the protocol with the question that it asks on a data set."""
    words = protocol.look_alikes
    if words is None or protocol.data.mated_by != "tattoo":
        return protocol
    used = [record for record in dataset.records.values() if record.role != "background"]
    if any(record.tattoo for record in used) or not all(record.group for record in used):
        return protocol
    return protocol.model_copy(
        update={
            "title": words.title,
            "question": words.question,
            "data": protocol.data.model_copy(update={"mated_by": "group"}),
        }
    )
