"""The order in which an algorithm is given pictures: it follows from names, and tells nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np

from harness.execution.unit import Training


def shuffled(names: Sequence[str], *words: object) -> list[int]:
    """Return places in `names` in an order that follows from the set of names and from `words`.

    The order of `names` itself does not matter, so neither the lines of a manifest nor the lists
    of a data set show through.

    Parameters
    ----------
    names
        Of records, each once.
    words
        What else decides: the protocol's seed, the name of the fold, what the order is for.
    """
    sort = sorted(range(len(names)), key=names.__getitem__)
    text = "\n".join([*map(str, words), "", *(names[i] for i in sort)])
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    rng = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
    return [sort[i] for i in rng.permutation(len(names))]


def shuffled_training(training: Training, *words: object) -> Training:
    """Return a training set with its images, and all that is said about them, in another order.

    Identities are numbered anew by their first image in it, and mated pairs sorted, so that
    neither tells where an image stood.
    """
    if training.drawn is not None:
        return training
    order = shuffled(training.images, *words)
    changed = {
        name: [values[i] for i in order]
        for name in training.__struct_fields__
        if name not in ("mated", "vocabulary") and (values := getattr(training, name)) is not None
    }
    if training.identities is not None:
        numbers: dict[int, int] = {}
        changed["identities"] = [
            numbers.setdefault(identity, len(numbers)) for identity in changed["identities"]
        ]
    if training.mated is not None:
        place = {old: new for new, old in enumerate(order)}
        changed["mated"] = sorted((place[a], place[b]) for a, b in training.mated)
    return msgspec.structs.replace(training, **changed)
