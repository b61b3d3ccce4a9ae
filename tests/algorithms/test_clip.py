"""CLIP and SigLIP from a folder: embeddings are the library's, and texts are read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algorithms.clip import Clip
from harness import FailureToEnroll
from harness.conformance import examine
from harness.errors import UsageError
from harness.plugins.description import described
from tests.conftest import run_harness

torch = pytest.importorskip("torch", reason="extra [torch]")
transformers = pytest.importorskip("transformers", reason="extra [transformers]")

WORDS = [
    *("a", "rose", "skull", "on", "the", "upper", "arm", "red", "big", "dark", "large"),
    *("something", "light", "i", "think", "tattoo"),
]
LONGEST = 12
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def tokenizer() -> Any:
    """Return one that knows `WORDS`, says where a text begins and ends, and can fill it up."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    _, unknown, begin, end = marks = ("<pad>", "<unk>", "<s>", "</s>")
    vocabulary = {word: number for number, word in enumerate([*marks, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    made.normalizer = normalizers.Lowercase()
    # A word of q's has a token for each.
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Split("q", "isolated")]
    )
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, 2), (end, 3)]
    )
    roles = dict(zip(("pad_token", "unk_token", "bos_token", "eos_token"), marks, strict=True))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **roles)


@pytest.fixture(scope="module", params=["clip", "siglip"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a tiny model with random weights, its tokenizer, and what prepares its pictures."""
    place: Path = tmp_path_factory.mktemp("models") / request.param
    torch.manual_seed(5)
    text = {**SMALL, "vocab_size": 4 + len(WORDS), "max_position_embeddings": LONGEST}
    text |= {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    image = {**SMALL, "image_size": 32, "patch_size": 8}
    if request.param == "clip":
        config = transformers.CLIPConfig(text_config=text, vision_config=image, projection_dim=12)
        transformers.CLIPModel(config).save_pretrained(place)
        size = {"shortest_edge": 32}
        transformers.CLIPImageProcessor(size=size, crop_size=32).save_pretrained(place)
    else:
        config = transformers.SiglipConfig(text_config=text, vision_config=image)
        transformers.SiglipModel(config).save_pretrained(place)
        size = {"height": 32, "width": 32}
        transformers.SiglipImageProcessor(size=size).save_pretrained(place)
    tokenizer().save_pretrained(place)
    return place


def near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-6)


def picture(seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (40, 56, 3)).astype(np.uint8)


def theirs(folder: Path, **taken: Any) -> np.ndarray[Any, Any]:
    """Return an embedding by the classes of the library that are named after the model."""
    kind = transformers.CLIPModel if folder.name == "clip" else transformers.SiglipModel
    model = kind.from_pretrained(folder).eval()
    tower = model.get_image_features if "pixel_values" in taken else model.get_text_features
    with torch.inference_mode():
        found = tower(**taken)
    row = np.asarray(getattr(found, "pooler_output", found)[0], np.float64)
    return row / np.linalg.norm(row)


def test_embeddings_are_those_of_the_library_called_directly(folder: Path) -> None:
    entry = Clip(model=str(folder))
    image = picture(0)
    prepare = transformers.AutoImageProcessor.from_pretrained(folder)
    seen = prepare(images=[image], return_tensors="pt")["pixel_values"]
    assert seen.shape == (1, 3, 32, 32)
    near(entry.extract(image), theirs(folder, pixel_values=seen))
    text = "Red skull on the upper arm"
    ids = [2, *(4 + WORDS.index(word) for word in text.lower().split()), 3]
    if folder.name == "siglip":
        ids += [0] * (LONGEST - len(ids))
    expected = theirs(folder, input_ids=torch.tensor([ids]))
    near(entry.describe_text(text), expected)
    # With something round it, the words in their place.
    around = Clip(model=str(folder), prompt="a tattoo {}")
    other = theirs(folder, input_ids=_ids(folder, "a tattoo rose"))
    near(around.describe_text("rose"), other)
    scores = entry.compare([entry.describe_text(text)], [entry.extract(image)])
    assert scores[0, 0] == pytest.approx(expected @ theirs(folder, pixel_values=seen), abs=1e-6)


def _ids(folder: Path, text: str) -> Any:
    ids = [2, *(4 + WORDS.index(word) for word in text.split()), 3]
    return torch.tensor([ids + [0] * ((LONGEST - len(ids)) * (folder.name == "siglip"))])


def test_a_text_that_is_too_long_is_read_in_parts_and_a_word_that_is_is_refused(
    folder: Path,
) -> None:
    entry = Clip(model=str(folder))
    long = "a big red rose on the upper arm a dark skull on the arm"  # 14 words and two marks
    words = long.split()
    parts = [theirs(folder, input_ids=_ids(folder, " ".join(p))) for p in (words[:7], words[7:])]
    mean = np.mean(parts, axis=0)
    near(entry.describe_text(long), mean / np.linalg.norm(mean))
    with pytest.raises(FailureToEnroll, match=f"more than the {LONGEST} tokens"):
        entry.describe_text("a " + "q" * 20)


def test_it_keeps_to_the_interface_and_its_files_are_its_identity(
    folder: Path, tmp_path: Path
) -> None:
    failed = [
        one for one in examine(Clip, {"model": str(folder)}, folder=tmp_path) if not one.passed
    ]
    assert not failed
    files = described(Clip, assignments={"model": str(folder)}).files
    assert {"model/config.json", "model/model.safetensors"} <= files.keys()


def test_witnesses_search_by_a_model(folder: Path, tmp_path: Path) -> None:
    done = run_harness(
        *("run", "--protocol", "description", "--algo", "clip", "--param", f"model={folder}"),
        *("--fold", "1", "--on", "in-process", "--json", "--out", tmp_path),
    )
    assert done.code == 0, done.err
    (run,) = done.json["runs"]
    assert run["metrics"]["pooled"]["fte"]["value"] == 0


def test_a_model_without_words_or_no_model_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image_only = tmp_path / "vit"
    config = transformers.ViTConfig(**SMALL, image_size=32, patch_size=8)
    transformers.ViTModel(config).save_pretrained(image_only)
    with pytest.raises(UsageError, match="holds a ViTModel, which has no towers of image and text"):
        Clip(model=str(image_only)).extract(picture(1))
    with pytest.raises(UsageError, match=r"is no folder of a model: its config\.json"):
        Clip(model=str(tmp_path / "none")).assets()
    with pytest.raises(UsageError, match="stands for the description"):
        Clip(model=str(image_only), prompt="no place").assets()
