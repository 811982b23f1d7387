"""Controls: orders of words that do not depend on the model, or not on its training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from attinfo.audit.names import BEST, GAIN, PERMUTED, RANDOM, RANDOM_HEAD, UNTRAINED, WORST
from attinfo.runtime.seeds import seed_of

if TYPE_CHECKING:
    from attinfo.audit.texts import AuditedTexts

LABELS = {
    "first_words": "first words first",
    "last_words": "last words first",
    "rare_words": "rare words first",
    PERMUTED: "weights permuted",
    UNTRAINED: "the same view of an untrained model",
    RANDOM_HEAD: "a head drawn at random",
    RANDOM: "random order",
    BEST: "best order found",
    WORST: "worst order found",
    GAIN: "gain of the last layer",
}


def controls(texts: "AuditedTexts") -> dict[str, np.ndarray]:
    """name -> [words] values of the controls that depend only on the texts."""
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
    for i in range(len(texts)):
        rng = np.random.default_rng(seed_of("permuted weights", seed, *texts.key(i)))
        own = slice(offsets[i], offsets[i + 1])
        found[own] = rng.permutation(weights[own])
    return found


def of_untrained(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the columns of an untrained model, so that they differ from those of the model."""
    return {f"{UNTRAINED}:{name}": own for name, own in columns.items()}
