"""Synthetic data sets of identities: prompts, pictures by a generator, crops, variations.

The steps are AIGTatt's: prompts by a controlled grammar (or from a language model), a picture for
each, the crop to the tattoo, variations of it, and a folder per identity with a manifest that says
where every image comes from. What makes the pictures is a plugin: see `Generator`.
"""

from harness.synthesis.generator import (
    Generated,
    GenerationFailed,
    Generator,
    Order,
    Report,
)
from harness.synthesis.grammar import Prompt

__all__ = ["Generated", "GenerationFailed", "Generator", "Order", "Prompt", "Report"]
