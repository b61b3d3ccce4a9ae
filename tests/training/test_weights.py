"""Weights survive a file exactly; a file that is not theirs is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from algorithms.siamese.network import SiameseNetwork
from harness.errors import Damaged
from harness.training.seeding import generator
from harness.training.weights import load_weights, save_weights


def test_weights_are_restored_exactly(tmp_path: Path) -> None:
    one, two = SiameseNetwork(10, generator(0)), SiameseNetwork(10, generator(1))
    save_weights(one, tmp_path / "w.safetensors")
    load_weights(two, tmp_path / "w.safetensors")
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"cannot read .*none\.safetensors"):
        load_weights(SiameseNetwork(10), tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickle", b"\xff" * 100])
def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(content)
    with pytest.raises(Damaged, match="cannot read the learned weights"):
        load_weights(SiameseNetwork(10), file)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_weights(SiameseNetwork(10), file)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(Damaged, match="cannot read the learned weights"):
        load_weights(SiameseNetwork(10), file)


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_weights(SiameseNetwork(256, generator(0)), file)
    network = SiameseNetwork(10, generator(1))
    before = network.conv1.weight.clone()
    with pytest.raises(Damaged, match=r"3 arrays differ.*'feat\.weight' \(shape \(2, 256\) in the"):
        load_weights(network, file)
    assert torch.equal(network.conv1.weight, before)
