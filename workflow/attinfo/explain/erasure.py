"""Erasure: the outputs of a model for texts from which tokens are deleted.

Deleted tokens are removed, not masked, so a shortened text has fewer tokens. The input of the
encoder is shortened too. A fine-tuned `pretrained` encoder reads the subwords of the remaining
tokens. A subword that overlaps several tokens remains if one of them does. The features of a
frozen `pretrained` encoder are computed from the whole text, and the rows of deleted tokens are
left out. So the features of the remaining tokens still depend on the deleted ones.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch, batches, pad, ranges
from attinfo.data.subwords import Pieces
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.models.noise import Noise, evaluation_noise
from attinfo.models.protocols import reads_tokens_alone
from attinfo.runtime.devices import in_parts

BATCH = 256  # shortened texts


def shortened(texts: Texts, source: np.ndarray, keep: np.ndarray) -> Texts:
    """Make shortened texts.

    Args:
        texts: the whole texts.
        source: [S] index of the whole text of each shortened text.
        keep: [S, T] which tokens to keep; False beyond the end of a text.

    Returns:
        S texts with labels, and with subwords or features if the whole texts have them.
    """
    row, place = np.nonzero(keep)
    tokens = texts.offsets[source[row]] + place
    return replace(
        texts,
        token_ids=texts.token_ids[tokens],
        offsets=np.append(0, keep.sum(1).cumsum()),
        labels=texts.labels[source],
        pieces=None if texts.pieces is None else _shortened_subwords(texts.pieces, source, keep),
        features=None if texts.features is None else texts.features[tokens],
        queries=None if texts.queries is None else texts.queries.of(source),
    )


def _shortened_subwords(subwords: Pieces, source: np.ndarray, keep: np.ndarray) -> Pieces:
    """The subwords of shortened texts; the arguments are those of `shortened`."""
    windows = ranges(subwords.windows, source)
    text = np.repeat(np.arange(len(source)), np.diff(subwords.windows)[source])  # [windows]
    number, overlaps = np.diff(subwords.offsets)[windows], np.diff(subwords.overlaps)[windows]
    begin = number.cumsum() - number
    chosen = ranges(subwords.overlaps, windows)
    window = np.repeat(np.arange(len(windows)), overlaps)
    subword, token = begin[window] + subwords.piece[chosen], subwords.token[chosen]
    kept = keep[text[window], token]
    stays = np.ones(number.sum(), bool)  # special subwords, which overlap no token, stay
    stays[subword] = False
    stays[subword[kept]] = True
    before = np.append(0, stays.cumsum())  # number of subwords before each that stay
    offsets = before[np.append(begin, len(stays))]
    new_place = keep.cumsum(1) - 1
    return Pieces(
        windows=np.append(0, np.diff(subwords.windows)[source].cumsum()),
        offsets=offsets,
        ids=subwords.ids[ranges(subwords.offsets, windows)[stays]],
        overlaps=np.append(0, np.bincount(window[kept], minlength=len(windows)).cumsum()),
        piece=(before[subword] - offsets[window])[kept],
        token=new_place[text[window], token][kept],
    )


@dataclass(frozen=True)
class Eraser:
    """A model, and texts from which tokens are deleted.

    Each token of a shortened text has the Gumbel noise that it has in the whole text. So two
    shortened texts differ only by the deleted tokens.

    Attributes:
        model: a model in evaluation mode.
        texts: the whole texts.
        seed: seed of the run, for the noise at evaluation.
    """

    model: Classifier
    texts: Texts
    seed: int = 0

    def probabilities(self, source: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """The class probabilities of shortened texts; of numbers, the outputs.

        Args:
            source: [S] index of the whole text of each shortened text.
            keep: [S, T] which tokens to keep; False beyond the end of a text.

        Returns:
            [S, C] float64 probabilities.

        Raises:
            ValueError: no token of a text is kept.
            InputError: the memory of the device is too small for a single text.
        """
        lengths = keep.sum(1)
        if not lengths.all():
            raise ValueError("found a text without kept tokens, expected one token or more")
        probabilities = np.empty((len(keep), self.model.output_layer.out_features))

        def read(rows: np.ndarray) -> np.ndarray:
            logits = self._logits(source[rows], keep[rows]).double()
            return (logits if logits.shape[1] == 1 else logits.softmax(-1)).cpu().numpy()

        with torch.inference_mode():
            for rows in batches(lengths, BATCH) if len(keep) else ():
                for part, values in in_parts(rows, read, self.model.device):
                    probabilities[part] = values
        return probabilities

    def drop(self, source: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """The decrease of a probability between the whole and the shortened text.

        The probability is that of the class predicted for the whole text. Of a number it is the
        fall of the output towards the mean of the training texts, 0, in their standard deviations;
        negative where the output moves away from the mean.

        Args:
            source: [S] index of the whole text of each shortened text.
            keep: [S, T] which tokens to keep; False beyond the end of a text.

        Returns:
            [S] decreases, -1 to 1; negative where the probability rises.

        Raises:
            ValueError: no token of a text is kept.
            InputError: the memory of the device is too small for a single text.
        """
        remaining = self.probabilities(source, keep)
        predicted = self.predicted[source]
        rows = np.arange(len(source))
        if remaining.shape[1] == 1:
            side = np.where(self.whole[source, 0] < 0, -1.0, 1.0)
            return side * (self.whole[source, 0] - remaining[:, 0])
        return self.whole[source, predicted] - remaining[rows, predicted]

    @cached_property
    def whole(self) -> np.ndarray:
        """[texts, C] class probabilities of the whole texts."""
        return self.probabilities(np.arange(len(self.texts)), self.real(self.texts.lengths))

    @property
    def predicted(self) -> np.ndarray:
        """[texts] the class that the model predicts for each whole text."""
        return self.whole.argmax(1)

    @staticmethod
    def real(lengths: np.ndarray) -> np.ndarray:
        """[S, T] which positions hold a token, in texts of these lengths [S]."""
        return np.arange(lengths.max(initial=0)) < lengths[:, None]

    def _logits(self, source: np.ndarray, keep: np.ndarray) -> Tensor:
        """[S, C] logits of a batch of shortened texts; the arguments are those of `drop`."""
        model, noise, encoder = self.model, self._noise(source, keep), self.model.encoder
        if not reads_tokens_alone(encoder) or self.texts.features is not None:
            batch = pad(shortened(self.texts, source, keep), np.arange(len(source)))
            output: Output = model(batch, noise)
            return output.logits
        distinct, row = np.unique(source, return_inverse=True)
        whole = pad(self.texts, distinct).to(model.device)
        lengths = keep.sum(1)
        place = np.argsort(~keep, axis=1, kind="stable")[:, : lengths.max()]
        kept = torch.from_numpy(row[:, None] * whole.token_ids.shape[1] + place).to(model.device)
        padding = torch.from_numpy(~self.real(lengths)).to(model.device)

        def of_kept(values: Tensor) -> Tensor:
            """[S, T, ...] values of the kept tokens, from those of the tokens of whole texts."""
            values = values.flatten(0, 1)[kept]
            return values.masked_fill_(padding.view(*padding.shape, *[1] * (values.ndim - 2)), 0)

        batch = Batch(of_kept(whole.token_ids), torch.from_numpy(lengths).to(model.device))
        if whole.queries is not None and whole.query_lengths is not None:
            rows = torch.from_numpy(row).to(model.device)
            queries, counts = whole.queries[rows], whole.query_lengths[rows]
            batch = batch._replace(queries=queries, query_lengths=counts)
        values = of_kept(encoder.per_token(model.embed(whole)))
        hidden = encoder.combined(values, batch.lengths)
        query = model.query_of(whole)  # stays the same whatever is deleted
        query = None if query is None else query[torch.from_numpy(row).to(model.device)]
        return model.classify(hidden, model.attend(batch, hidden, noise, query)[1], query)

    def _noise(self, source: np.ndarray, keep: np.ndarray) -> Noise | None:
        """The noise of shortened texts: that of the kept tokens in the whole texts."""
        draws = self.model.draws
        if not draws:
            return None
        places = torch.from_numpy(np.argsort(~keep, axis=1, kind="stable"))

        def draw(scores: Tensor) -> Tensor:
            of_whole = evaluation_noise(source, draws, self.seed)(scores.new_empty(keep.shape))
            kept = places[:, : scores.shape[1]].to(scores.device)
            return of_whole.gather(2, kept.expand(draws, -1, -1))

        return draw
