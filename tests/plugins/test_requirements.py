"""What an algorithm imports that is not installed is known without importing it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors.absent import NotInstalled
from harness.plugins import registry
from harness.plugins.requirements import check_installed, missing, missing_of
from tests.conftest import Ran

TORCH = ("torch", "torchvision", "lightning_fabric")

ALGORITHM = '''
@dataclass
class Mine(Matcher):
    """Mine."""

    def extract(self, image):
{body}

    def compare(self, probes, references):
        return np.zeros((len(probes), len(references)))
'''


def algorithm(body: str = "return 1", before: str = "") -> str:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    head = "from dataclasses import dataclass\nimport numpy as np\nfrom harness import Matcher\n"
    return before + head + ALGORITHM.format(body=lines)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let packages be absent."""

    def take(*names: str) -> None:
        for name in names:
            for known in [one for one in sys.modules if one.split(".")[0] == name]:
                monkeypatch.delitem(sys.modules, known)
            monkeypatch.setitem(sys.modules, name, None)

    return take


@pytest.mark.parametrize(
    "text",
    [
        algorithm(before="import absent_thing\n"),
        algorithm(before="from absent_thing.inner import part\n"),
        algorithm("import absent_thing\nreturn 1"),
        algorithm("with open(image) as file:\n    from absent_thing import part\nreturn 1"),
        algorithm(
            before="try:\n    import absent_thing\nexcept ImportError:\n    raise SystemExit\n"
        ),
    ],
)
def test_what_an_algorithm_cannot_do_without_is_missing(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    assert missing(file) == ("absent_thing",)
    with pytest.raises(
        NotInstalled, match="'mine' needs absent-thing, .*: pip install absent-thing$"
    ):
        check_installed(registry.find_algorithm(str(file)))


@pytest.mark.parametrize(
    "text",
    [
        algorithm(before="try:\n    import absent_thing\nexcept ImportError:\n    pass\n"),
        algorithm(before="import sys\nif sys.platform == 'none':\n    import absent_thing\n"),
        algorithm("if image is None:\n    import absent_thing\nreturn 1"),
        algorithm(
            before="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import absent_thing\n"
        ),
        algorithm() + "\n    def export_onnx(self, file):\n        import absent_thing\n",
        algorithm("import beside, beside_too\nreturn 1"),
        algorithm("import compiled\nreturn 1"),
        algorithm(before="import sys\nsys.path.append('/opt/engine')\nimport absent_thing\n"),
        "def broken(:\n",
    ],
)
def test_what_may_be_done_without_is_not(text: str, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("x = 1\n")
    (tmp_path / "beside_too").mkdir()
    (tmp_path / "compiled.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    file = tmp_path / "mine.py"
    file.write_text(text)
    assert missing(file) == ()


def test_a_place_of_its_own_is_none_for_what_an_extra_brings(
    tmp_path: Path, without: Callable[..., None]
) -> None:
    without("torch")
    file = tmp_path / "mine.py"
    file.write_text(algorithm(before="import sys, torch, engine\nsys.path.append('/opt/engine')\n"))
    assert missing(file) == ("torch",)


def test_modules_of_its_own_are_followed_and_files_that_it_does_not_import_are_not(
    tmp_path: Path,
) -> None:
    home = tmp_path / "mine"
    (home / "tests").mkdir(parents=True)
    (home / "__init__.py").write_text(
        algorithm(before="from . import inner\nfrom .deep import x\n")
    )
    (home / "inner.py").write_text("import absent_a\n")
    (home / "deep").mkdir()
    (home / "deep" / "__init__.py").write_text("import absent_b\nx = 1\n")
    (home / "tests" / "test_mine.py").write_text("import absent_c\n")
    (home / "other.py").write_text("import absent_d\n")
    assert missing_of(registry.find_algorithm(str(home))) == ("absent_a", "absent_b")


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("triplet", {"torch", "torchvision", "lightning_fabric"}),
        ("contrastive", {"torch", "torchvision", "lightning_fabric"}),
        ("arcface", {"torch", "torchvision", "lightning_fabric"}),
        ("alexnet-svm", {"torch", "torchvision", "lightning_fabric"}),
        ("unet-removal", {"torch", "torchvision", "lightning_fabric"}),
        ("backbone", {"torch", "torchvision"}),
        ("onnx", set()),  # runs what others exported
        ("sift", set()),
        ("colours", set()),
    ],
)
def test_of_the_toolkit_counts_what_an_algorithm_uses(
    name: str, lacks: set[str], without: Callable[..., None]
) -> None:
    without(*TORCH, "onnxscript")
    assert set(missing_of(registry.find_algorithm(name))) == lacks


def test_everything_that_is_built_in_can_run_here() -> None:
    for plugins in registry.algorithms().values():
        for plugin in plugins:
            assert missing_of(plugin) == ()


def test_list_and_describe_show_what_an_algorithm_lacks_without_importing_it(
    harness: Callable[..., Ran], without: Callable[..., None]
) -> None:
    without(*TORCH, "diffusers")
    listed = {one["name"]: one for one in harness("list", "--json").json["algorithms"]}
    assert listed["colours"]["missing"] == []
    assert listed["colours"]["install"] == ""
    assert listed["triplet"]["missing"] == ["lightning-fabric", "torch", "torchvision"]
    assert listed["triplet"]["install"] == "pip install 'tattoo-harness[torch]'"
    shown, apart = harness("list").out.split("Not usable here until a package is installed\n")
    assert "  colours " in shown
    assert "  triplet " not in shown
    (line,) = (one for one in apart.splitlines() if one.startswith("  triplet "))
    assert "pip install 'tattoo-harness[torch]'  Siamese network" in line
    generators = {
        one["name"]: one for one in harness("list", "generators", "--json").json["generators"]
    }
    assert generators["diffusion"]["missing"] == ["diffusers", "torch"]
    assert generators["procedural"]["missing"] == []
    described = harness("describe", "triplet")
    assert described.code == 0
    assert "Siamese network" in described.out
    assert "pip install 'tattoo-harness[torch]'" in described.out
    facts = harness("describe", "triplet", "--json").json
    assert facts["abilities"] == ["Matcher"]
    assert facts["install"] == "pip install 'tattoo-harness[torch]'"


def test_running_or_checking_it_is_a_mistake_of_the_user_s(
    harness: Callable[..., Ran], without: Callable[..., None]
) -> None:
    without(*TORCH)
    for words in (
        ("run", "--protocol", "similarity", "--algo", "triplet"),
        ("run", "--protocol", "similarity", "--algo", "colours,triplet", "--dry-run"),
        ("check", "triplet"),
    ):
        ran = harness(*words)
        assert ran.code == 2
        (said,) = ran.err.splitlines()
        assert said.startswith("error: 'triplet' needs lightning-fabric, torch and torchvision, ")
        assert said.endswith("which are not installed: pip install 'tattoo-harness[torch]'")


def test_all_leaves_out_what_cannot_run_here_but_not_what_a_cluster_may_have(
    without: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    every = importlib.import_module("harness.cli.verbs.run")._every_algorithm
    without(*TORCH)
    here = every((), here=True)
    assert "colours" in here
    assert not {"triplet", "arcface", "unet-removal"} & set(here)
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "triplet" in line)
    assert said.startswith("left out: ")
    assert said.endswith("pip install 'tattoo-harness[torch]'")
    assert "triplet" in every((), here=False)


def test_a_generator_and_a_device_say_it_in_the_same_words(
    harness: Callable[..., Ran], without: Callable[..., None]
) -> None:
    without(*TORCH, "diffusers")
    ran = harness("synth", "set", "--generator", "diffusion", "--identities", "1")
    assert ran.code == 2
    assert "the generator 'diffusion' needs diffusers and torch, which are not" in ran.err
    assert "pip install 'tattoo-harness[diffusion]'" in ran.err
    ran = harness("run", "--protocol", "similarity", "--algo", "colours", "--device", "cuda:7")
    assert ran.code == 2
    assert "it needs torch, which is not installed: pip install 'tattoo-harness[torch]'" in ran.err


def test_an_import_that_nobody_foresaw_says_what_to_install(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(algorithm(before="import importlib\nimportlib.import_module('absent_thing')\n"))
    ran = harness("describe", file)
    assert ran.code == 3
    assert "No module named 'absent_thing' (pip install absent-thing)" in ran.err
