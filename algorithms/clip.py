"""Pictures and words in one space, by CLIP, SigLIP and their kin: `--param model=FOLDER`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness import FailureToEnroll, Image, Matcher, Template, parameter
from harness.errors import UsageError
from harness.training.preparation import own_threads


@dataclass
class Clip(Matcher):
    """Embeddings of the image tower and of the text tower, compared by cosine.

    The model is a folder of Hugging Face's transformers on this machine, read without download,
    pickle or code of its own. A description of more tokens than the model reads is embedded in
    parts, which are averaged; one word that is too long is a failure.
    """

    model: str = parameter("", "Folder with the model, as safetensors.", required=True)
    prompt: str = parameter("{}", "What is said around a description, which takes the place of {}.")

    citation: ClassVar[str] = (
        "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, "
        "ICML 2021; Zhai et al., Sigmoid Loss for Language Image Pre-Training, ICCV 2023"
    )

    def assets(self) -> Mapping[str, Path | str]:
        """Return the files of the folder, and the library that reads them."""
        from harness.training.hugging_face import files_of

        if "{}" not in self.prompt:
            raise UsageError(f"clip: prompt is {self.prompt!r}; {{}} stands for the description")
        files = {f"model/{name}": file for name, file in files_of(Path(self.model)).items()}
        return {**files, "transformers": version("transformers")}

    def extract(self, image: Image) -> Template:
        """Return the embedding of an image, of length 1: float32, shape (features,).

        One image at a time: in a batch of another size the last digits would differ.
        """
        towers = self._towers()
        # Said outright, since a picture of 3 rows could be taken for one of 3 channels.
        axes = {"input_data_format": "channels_last", "return_tensors": "pt"}
        seen = towers.processor(images=[image.copy()], **axes)["pixel_values"]
        return towers.embedding(towers.model.get_image_features, pixel_values=seen)

    def describe_text(self, query: str) -> Template:
        """Return the embedding of a description, of length 1: float32, shape (features,)."""
        towers = self._towers()
        parts = [self.prompt.replace("{}", one) for one in self._parts(query)]
        rows = [towers.embedding(towers.model.get_text_features, **towers.read(p)) for p in parts]
        mean = np.mean(rows, axis=0)
        found: npt.NDArray[np.float32] = mean / np.linalg.norm(mean)
        return found

    def _parts(self, query: str) -> list[str]:
        """Return a description as parts that the text tower reads whole, halved where it must."""
        towers, words = self._towers(), query.split()
        if len(towers.tokenizer(self.prompt.replace("{}", query))["input_ids"]) <= towers.longest:
            return [query]
        if len(words) == 1:
            raise FailureToEnroll(f"a word has more than the {towers.longest} tokens of the model")
        halves = words[: len(words) // 2], words[len(words) // 2 :]
        return [part for half in halves for part in self._parts(" ".join(half))]

    def _towers(self) -> _Towers:
        """Return the loaded model; it is loaded once."""
        found: _Towers | None = vars(self).get("_loaded")
        if found is None:
            found = self._loaded = _Towers(Path(self.model))
        return found


class _Towers:
    """A model with what prepares pictures and words for it."""

    def __init__(self, folder: Path) -> None:
        import torch

        from harness.training.hugging_face import model_of, part_of

        # Sums depend on the number of threads: as many as the harness gives a worker.
        torch.set_num_threads(own_threads())
        self.model = model_of(folder)
        kind = type(self.model).__name__
        if not all(hasattr(self.model, f"get_{side}_features") for side in ("image", "text")):
            raise UsageError(f"{folder} holds a {kind}, which has no towers of image and text")
        self.processor = part_of(folder, "AutoImageProcessor")
        self.tokenizer = part_of(folder, "AutoTokenizer")
        self.longest = int(self.model.config.text_config.max_position_embeddings)
        # SigLIP was trained on texts of one length, with padding and without a mask of it.
        self._padded = "siglip" in self.model.config.model_type

    def read(self, text: str) -> Any:
        """Return a text that is not too long as the model takes it."""
        fill: dict[str, Any] = {"padding": "max_length", "max_length": self.longest}
        found = self.tokenizer(text, return_tensors="pt", **(fill if self._padded else {}))
        return {"input_ids": found["input_ids"]}

    def embedding(self, tower: Any, **taken: Any) -> npt.NDArray[np.float32]:
        """Return what a tower makes of one picture or text, of length 1."""
        import torch

        with torch.inference_mode():
            found = tower(**taken)
        # Version 5 of the library returns it among other things.
        row = getattr(found, "pooler_output", found)[0]
        unit: npt.NDArray[np.float32] = (row / row.norm()).numpy()
        return unit
