"""Erasure: what a model says of its texts when only some of their tokens are kept.

The other tokens are deleted, as if they had never been written: a shortened text is shorter, not
masked. What an encoder reads is shortened with it. A fine-tuned `pretrained` encoder reads the
pieces of the tokens that are left (a piece that overlaps several tokens stays as long as one of
them does); the features of a frozen one are those of the whole text, of which rows are left out:
its other tokens have read the deleted ones.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import batches, pad, ranges
from attinfo.data.subwords import Pieces
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.models.noise import Noise, evaluation_noise
from attinfo.runtime.devices import in_parts

BATCH = 256


def shortened(texts: Texts, source: np.ndarray, keep: np.ndarray) -> Texts:
    """Texts of which only some tokens are kept.

    Args:
        texts: whole ones.
        source: [S] the text that each shortened one is made of.
        keep: [S, T] the tokens that are kept; nothing behind the end of a text.
    """
    row, place = np.nonzero(keep)
    tokens = texts.offsets[source[row]] + place
    return replace(
        texts,
        token_ids=texts.token_ids[tokens],
        offsets=np.append(0, keep.sum(1).cumsum()),
        labels=texts.labels[source],
        pieces=None if texts.pieces is None else _shortened_pieces(texts.pieces, source, keep),
        features=None if texts.features is None else texts.features[tokens],
    )


def _shortened_pieces(pieces: Pieces, source: np.ndarray, keep: np.ndarray) -> Pieces:
    windows = ranges(pieces.windows, source)
    text = np.repeat(np.arange(len(source)), np.diff(pieces.windows)[source])  # [windows]
    number, overlaps = np.diff(pieces.offsets)[windows], np.diff(pieces.overlaps)[windows]
    begin = number.cumsum() - number
    found, window = ranges(pieces.overlaps, windows), np.repeat(np.arange(len(windows)), overlaps)
    piece, token = begin[window] + pieces.piece[found], pieces.token[found]
    kept = keep[text[window], token]
    stays = np.ones(number.sum(), bool)  # as do those that overlap no token: the special ones
    stays[piece] = False
    stays[piece[kept]] = True
    before = np.append(0, stays.cumsum())  # pieces that stay before each
    offsets = before[np.append(begin, len(stays))]
    new_place = keep.cumsum(1) - 1
    return Pieces(
        windows=np.append(0, np.diff(pieces.windows)[source].cumsum()),
        offsets=offsets,
        ids=pieces.ids[ranges(pieces.offsets, windows)[stays]],
        overlaps=np.append(0, np.bincount(window[kept], minlength=len(windows)).cumsum()),
        piece=(before[piece] - offsets[window])[kept],
        token=new_place[text[window], token][kept],
    )


@dataclass(frozen=True)
class Eraser:
    """A model and the texts whose tokens are deleted.

    Gumbel noise at evaluation follows the token: what is left of a text keeps its draws, so that
    two of its shortened forms differ by what was deleted alone.
    """

    model: Classifier  # in evaluation mode
    texts: Texts
    seed: int = 0  # of the run: of the noise

    def probabilities(self, source: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """[S, C] float64 probabilities of the classes; the arguments are those of `shortened`.

        Raises:
            ValueError: nothing is kept of a text.
        """
        lengths = keep.sum(1)
        if not lengths.all():
            raise ValueError("a text of which nothing is kept, expected one token or more")
        found = np.empty((len(keep), self.model.output_layer.out_features))

        def read(rows: np.ndarray) -> None:
            own = source[rows], keep[rows]
            batch = pad(shortened(self.texts, *own), np.arange(len(rows)))
            logits = self.model(batch, self._noise(*own)).logits
            found[rows] = logits.double().softmax(-1).cpu().numpy()

        with torch.inference_mode():
            for rows in batches(lengths, BATCH) if len(keep) else ():
                in_parts(rows, read, self.model.device)
        return found

    def drop(self, source: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """[S] how far the probability of the class predicted of the whole text falls."""
        left = self.probabilities(source, keep)
        predicted = self.predicted[source]
        rows = np.arange(len(source))
        return self.whole[source, predicted] - left[rows, predicted]

    @cached_property
    def whole(self) -> np.ndarray:
        """[texts, C] probabilities of the classes of the whole texts."""
        return self.probabilities(np.arange(len(self.texts)), self.real(self.texts.lengths))

    @property
    def predicted(self) -> np.ndarray:
        """[texts] the class that the model predicts of each whole text."""
        return self.whole.argmax(1)

    @staticmethod
    def real(lengths: np.ndarray) -> np.ndarray:
        """[S, T] which places of texts of these lengths hold a token."""
        return np.arange(lengths.max(initial=0)) < lengths[:, None]

    def _noise(self, source: np.ndarray, keep: np.ndarray) -> Noise | None:
        draws = self.model.draws
        if not draws:
            return None
        places = torch.from_numpy(np.argsort(~keep, axis=1, kind="stable"))

        def draw(scores: Tensor) -> Tensor:
            whole = evaluation_noise(source, draws, self.seed)(scores.new_empty(keep.shape))
            left = places[:, : scores.shape[1]].to(scores.device)
            return whole.gather(2, left.expand(draws, -1, -1))

        return draw
