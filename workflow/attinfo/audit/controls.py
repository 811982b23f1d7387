"""Orders of words that know nothing of the model, or of what it learnt."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from attinfo.runtime.seeds import seed_of

if TYPE_CHECKING:
    from attinfo.audit.texts import AuditedTexts

RANDOM, BEST, WORST = "random", "best", "worst"  # orders of removal that no weights give
UNTRAINED = "untrained"  # a control of its own for each view: the same of an untrained model
LABELS = {
    "first_words": "first words first",
    "last_words": "last words first",
    "rare_words": "rare words first",
    "permuted": "weights permuted",
    UNTRAINED: "the same view of an untrained model",
    "random_head": "a head drawn at random",
    "random": "random order",
}


def controls(texts: "AuditedTexts") -> dict[str, np.ndarray]:
    """name -> [words] values of the controls that depend on the texts alone."""
    position = texts.position.astype(float)
    return {
        "first_words": -position,
        "last_words": position,
        "rare_words": -np.log(texts.frequency),
    }


def permuted(texts: "AuditedTexts", weights: np.ndarray, seed: int) -> np.ndarray:
    """[words] weights permuted within each text."""
    found = weights.copy()
    offsets = texts.encoded.offsets
    for i, string in enumerate(texts.strings):
        rng = np.random.default_rng(seed_of("permuted weights", seed, string))
        own = slice(offsets[i], offsets[i + 1])
        found[own] = rng.permutation(weights[own])
    return found


def of_untrained(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns of an untrained model's views under names of their own."""
    return {f"{UNTRAINED}:{name}": own for name, own in columns.items()}
