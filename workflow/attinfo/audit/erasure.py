"""Erasure of words: the predictions of a transformer for texts without some of their words."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attinfo.audit.encoded import Encoded, Perturbation
from attinfo.audit.model import TransformerClassifier
from attinfo.audit.progress import progress
from attinfo.data.batches import ranges
from attinfo.explain.erasure import Eraser
from attinfo.runtime.errors import InputError


@dataclass(frozen=True)
class WordEraser:
    """A model, and texts from which words are deleted, or replaced by the mask token.

    It has the interface `explain.faithfulness.Erasing`.

    Raises:
        InputError: words are to be replaced, but the model has no mask token.
    """

    model: TransformerClassifier
    texts: Encoded
    perturbation: Perturbation = "delete"

    def __post_init__(self) -> None:
        if self.perturbation == "mask" and self.model.mask is None:
            raise InputError(
                f"this model ({self.model.config.model_type}) has no mask token: expected "
                "perturbation 'delete', and measures without 'mask_one_out'"
            )

    @cached_property
    def _whole(self) -> np.ndarray:
        return np.full((len(self.texts), len(self.model.classes)), np.nan)

    def whole(self, chosen: np.ndarray) -> np.ndarray:
        """[chosen, C] class probabilities of whole texts. The model reads each text once."""
        distinct = np.unique(chosen)
        new = distinct[np.isnan(self._whole[distinct, 0])]
        if len(new):
            self._whole[new] = self.model.probabilities(self.texts.rows(new))
        return self._whole[chosen]

    def drop(self, source: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """Compute the decrease of the probability of the class predicted for the whole text.

        Args:
            source: [S] index of the whole text of each shortened text.
            keep: [S, T] which words to keep; False beyond the end of a text.

        Returns:
            [S] decreases, -1 to 1; NaN where no subword is left.

        Raises:
            InputError: the memory of the device is too small for a single text.
        """
        mask = self.model.mask if self.perturbation == "mask" else None
        erased = self.texts.erased(source, keep, mask)
        # Of equal texts, such as "very good" twice from "very very good", the model reads one.
        distinct: dict[bytes, int] = {}
        place = [distinct.setdefault(row.key, len(distinct)) for row in erased]
        first = np.unique(place, return_index=True)[1]
        remaining = self.model.probabilities([erased[i] for i in first])[place]
        whole, rows = self.whole(source), np.arange(len(source))
        predicted = whole.argmax(1)
        return whole[rows, predicted] - remaining[rows, predicted]

    @staticmethod
    def real(lengths: np.ndarray) -> np.ndarray:
        """[S, T] which positions hold a word, in texts of these lengths [S]."""
        return Eraser.real(lengths)


def without_each(eraser: WordEraser, drawn: np.ndarray, texts_at_once: int = 64) -> np.ndarray:
    """Compute the decrease of the probability when a single word is removed, for each word.

    Args:
        eraser: the model and all texts.
        drawn: indices of the texts to compute.
        texts_at_once: number of texts whose shortened versions are in memory at the same time.

    Returns:
        [words] float32 decreases, NaN in texts that are not drawn or have one word.
    """
    values = np.full(int(eraser.texts.offsets[-1]), np.nan, np.float32)
    drawn = drawn[eraser.texts.lengths[drawn] > 1]
    with progress("without each word", len(drawn)) as advance:
        for start in range(0, len(drawn), texts_at_once):
            some = drawn[start : start + texts_at_once]
            lengths = eraser.texts.lengths[some]
            source = np.repeat(some, lengths)
            place = np.arange(len(source)) - np.repeat(lengths.cumsum() - lengths, lengths)
            keep = np.arange(lengths.max()) < eraser.texts.lengths[source][:, None]
            keep[np.arange(len(source)), place] = False
            values[ranges(eraser.texts.offsets, some)] = eraser.drop(source, keep)
            advance(len(some))
    return values
