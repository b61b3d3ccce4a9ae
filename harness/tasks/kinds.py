"""All kinds of question, by the names that protocols call them."""

from __future__ import annotations

from typing import Any

from harness.tasks import (
    closed_set,
    description,
    detection,
    embeddings,
    identification,
    open_set,
    removal,
    score_lists,
    search,
    segmentation,
    style,
    tagging,
    verification,
)
from harness.tasks.protocol import Protocol
from harness.tasks.task import Task

KINDS: dict[str, Task[Any, Any]] = {
    "identification": identification.TASK,
    "verification": verification.TASK,
    "open-set": open_set.TASK,
    "closed-set": closed_set.TASK,
    "detection": detection.TASK,
    "tagging": tagging.TASK,
    "style": style.TASK,
    "segmentation": segmentation.TASK,
    "score-lists": score_lists.TASK,
    "search": search.TASK,
    "embeddings": embeddings.TASK,
    "removal": removal.TASK,
    "description": description.TASK,
}


def task_of(protocol: Protocol) -> Task[Any, Any]:
    """Return the kind of question that a protocol asks."""
    return KINDS[protocol.task]
