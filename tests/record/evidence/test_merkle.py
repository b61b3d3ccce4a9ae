"""Trees have the hashes of Certificate Transparency's own vectors, and proofs prove what is in."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import pytest

from harness.record.evidence.merkle import follows, leaf_hash, path, root

ENTRIES = [
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first 0, 1, ... 8 entries: `merkle_tree_test.cc` of google/certificate-transparency."""

FIRST_OF_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
"""The proof of the first entry among eight, from there as well."""


def by_definition(entries: Sequence[bytes]) -> bytes:
    """Return the hash as RFC 6962, section 2.1 defines it: cut at the largest power of two."""
    if len(entries) < 2:
        return hashlib.sha256(b"".join(b"\0" + one for one in entries)).digest()
    cut = 1
    while cut * 2 < len(entries):
        cut *= 2
    parts = by_definition(entries[:cut]) + by_definition(entries[cut:])
    return hashlib.sha256(b"\1" + parts).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    entries = ENTRIES[:size]
    assert root(map(leaf_hash, entries)).hex() == ROOTS[size]
    assert by_definition(entries).hex() == ROOTS[size]


def test_a_proof_is_that_of_certificate_transparency() -> None:
    leaves = [leaf_hash(one) for one in ENTRIES]
    assert [one.hex() for one in path(leaves, 0)] == FIRST_OF_EIGHT


@pytest.mark.parametrize("size", range(70))
def test_a_root_is_the_one_of_the_definition(size: int) -> None:
    rng = random.Random(size)
    entries = [rng.randbytes(rng.randrange(4)) for _ in range(size)]
    assert root(map(leaf_hash, entries)) == by_definition(entries)


@pytest.mark.parametrize("size", range(1, 18))
def test_every_entry_is_proved_in_its_own_place_and_in_no_other(size: int) -> None:
    entries = [bytes([i]) for i in range(size)]
    leaves = [leaf_hash(one) for one in entries]
    whole = by_definition(entries)
    for place, leaf in enumerate(leaves):
        proof = path(leaves, place)
        assert len(proof) <= (size - 1).bit_length()
        for claimed in range(-1, size + 1):
            assert follows(leaf, claimed, size, proof, whole) == (claimed == place)
        assert not follows(leaf_hash(b"other"), place, size, proof, whole)


def test_a_proof_that_is_cut_lengthened_or_changed_proves_nothing() -> None:
    leaves = [leaf_hash(one) for one in ENTRIES[:7]]
    whole = root(leaves)
    for place, leaf in enumerate(leaves):
        proof = path(leaves, place)
        assert not follows(leaf, place, 7, proof[:-1], whole)
        assert not follows(leaf, place, 7, [*proof, proof[-1]], whole)
        assert not follows(leaf, place, 7, proof[::-1], whole) or len(proof) == 1
        for i in range(len(proof)):
            other = [
                bytes([one[0] ^ 1]) + one[1:] if j == i else one for j, one in enumerate(proof)
            ]
            assert not follows(leaf, place, 7, other, whole)


def test_a_node_cannot_pass_for_an_entry() -> None:
    """The second preimage: a tree of two whose entries are the nodes of a tree of four."""
    leaves = [leaf_hash(one) for one in ENTRIES[:4]]
    nodes = [root(leaves[:2]), root(leaves[2:])]
    assert root(nodes) == root(leaves)  # of hashes that are given as leaves, nobody can tell
    assert root(map(leaf_hash, nodes)) != root(leaves)
    for forged in (leaves[0] + leaves[1], b"\1" + leaves[0] + leaves[1], nodes[0]):
        assert not follows(leaf_hash(forged), 0, 2, [nodes[1]], root(leaves))


def test_an_odd_entry_is_not_counted_twice() -> None:
    leaves = [leaf_hash(one) for one in ENTRIES[:3]]
    assert root(leaves) != root([*leaves, leaves[-1]])


def test_there_is_no_proof_of_what_is_not_there() -> None:
    for place in (-1, 1):
        with pytest.raises(IndexError):
            path([leaf_hash(b"")], place)
    with pytest.raises(IndexError):
        path([], 0)
    assert path([leaf_hash(b"")], 0) == []
    assert not follows(leaf_hash(b""), 0, 0, [], root([]))
