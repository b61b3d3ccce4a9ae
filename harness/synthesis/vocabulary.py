"""Words that prompts are made of, in the order in which they are dealt: facts, nothing is drawn.

Styles are those that pages offer where a person names one, too. The built-in generator draws every
motif, style and placement of these; another one says what it can draw, and a recipe has lists of
its own.
"""

from __future__ import annotations

__all__ = ["MANNERS", "MOODS", "MOTIFS", "PLACEMENTS", "STYLES"]

MOTIFS = (
    *("anchor", "barbed_wire", "butterfly", "cherry_branch", "compass", "cross", "crossed_arrows"),
    *("crown", "dagger", "diamond", "dice", "dragon", "dreamcatcher", "eye", "feather", "flames"),
    *("fox_head", "guitar", "heart", "hourglass", "infinity", "key", "knot", "koi", "laurel"),
    *("lettering", "lettering_stack", "lotus", "mandala", "moon", "mountains", "mushroom"),
    *("nautical_star", "octopus", "owl", "peony", "polynesian", "rose", "sacred_geometry"),
    *("scorpion", "scroll", "sign", "skull", "snake", "spider", "spider_web", "sun", "sunflower"),
    *("swallow", "tree", "tribal", "wave", "wings"),
)
STYLES = (
    *("traditional", "japanese", "tribal", "trash polka", "watercolor", "fineline", "minimalism"),
    *("realism", "abstract"),
)
PLACEMENTS = (
    *("forearm", "upper-arm", "wrist", "calf", "thigh", "ankle", "neck", "shoulder", "belly"),
    *("chest", "ribs", "back", "shoulder-blade"),
)
MANNERS = (
    *("unique, intricate", "bold", "delicate", "highly detailed", "minimal", "weathered"),
    *("freshly inked", "ornate", "hand-drawn", "symmetrical"),
)
MOODS = (
    *("an eternal madness", "quiet grief", "fierce loyalty", "a lost love", "rebirth"),
    *("the sea at night", "stubborn hope", "a family bond", "freedom", "old age"),
)
