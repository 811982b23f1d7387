"""Shared parts of gradient measures: the loop over batches, and gradients at given embeddings."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from attinfo.audit.encoded import Encoded, groups_by_length
from attinfo.audit.model import CELLS, TransformerClassifier, embedded
from attinfo.data.batches import ranges
from attinfo.explain.measures.attribution import log_odds
from attinfo.runtime.devices import in_parts

# Embeddings [B, P, size] -> the gradient of the predicted class's log-odds there.
Slope: TypeAlias = Callable[[Tensor], Tensor]
# Embeddings, [B, P] whether a subword belongs to a word, slopes -> values [B, P].
Attribution: TypeAlias = Callable[[Tensor, Tensor, Slope], Tensor]


def attributed(
    model: TransformerClassifier, texts: Encoded, drawn: np.ndarray, attribution: Attribution
) -> np.ndarray:
    """Compute an attribution for the words of some texts, batch by batch.

    Args:
        model: the model.
        texts: all texts.
        drawn: indices of the texts to compute.
        attribution: computes values for the subwords of a batch. The values of the subwords of a
            word are summed.

    Returns:
        [words] float32 values, NaN for texts that are not drawn.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    values = np.full(int(texts.offsets[-1]), np.nan, np.float32)

    def read(chosen: np.ndarray) -> np.ndarray:
        batch = model.padded(texts.rows(chosen))
        held: list[Tensor] = []

        def keep(made: Tensor) -> Tensor:
            held.append(made.detach())
            return made

        with torch.no_grad(), embedded(model, keep):
            predicted = model(batch).logits.argmax(-1)

        def slope_at(given: Tensor) -> Tensor:
            own = given.detach().requires_grad_()
            with torch.enable_grad(), embedded(model, lambda made: own):
                total = log_odds(model(batch).logits, predicted).sum()
            (slope,) = torch.autograd.grad(total, own)
            return slope

        overlaps = texts.in_batch(chosen, batch.ids.shape[1])
        words = texts.is_word(chosen, batch.ids.shape).to(batch.ids.device)
        found = attribution(held[0], words, slope_at)
        return overlaps.summed(found.detach().cpu()[:, None])[:, 0].numpy()

    with model.fused():
        for places in groups_by_length(texts.sizes[drawn], CELLS, model.batch):
            for part, found in in_parts(drawn[places], read, model.device):
                values[ranges(texts.offsets, part)] = found
    return values


def word_embeddings(model: TransformerClassifier, texts: Encoded, drawn: np.ndarray) -> Tensor:
    """[subwords, size] embeddings of the subwords that belong to words of some texts."""
    own = ranges(texts.overlaps, drawn)
    text = np.repeat(drawn, np.diff(texts.overlaps)[drawn])
    ids = torch.from_numpy(texts.ids[texts.pieces[text] + texts.piece[own]]).to(model.device)
    with torch.no_grad():
        found: Tensor = model.embedding(ids[None])[0]
    return found
