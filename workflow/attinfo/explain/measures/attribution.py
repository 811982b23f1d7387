"""Shared parts of gradient measures: the explained log-odds, and the loop over batches."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch, batches, pad, ranges
from attinfo.data.texts import Texts
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.models.inference import noise_of
from attinfo.runtime.devices import in_parts

ROWS = 512  # texts that a forward pass reads at once

# Indices [B] of the texts of a batch, the batch, what the encoder reads [B, T, inputs], predicted
# classes [B] -> values [B, T].
Attribution = Callable[[np.ndarray, Batch, Tensor, Tensor], Tensor]


def log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    """The log-odds log(p / (1 - p)) of one class of each text; of a number, the output itself.

    A constant added to all logits changes a single logit, but not the log-odds. Where the
    probability saturates, the log-odds do not.

    Args:
        logits: [B, C] logits.
        classes: [B] the class of each text.

    Returns:
        [B] log-odds.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    explained = torch.nn.functional.one_hot(classes, logits.shape[1]).bool()
    return logits[explained] - logits.masked_fill(explained, -torch.inf).logsumexp(-1)


def attributed(
    model: Classifier,
    texts: Texts,
    size: int,
    seed: int,
    attribution: Attribution,
    drawn: np.ndarray | None = None,
) -> np.ndarray:
    """Compute an attribution for the tokens of a split, batch by batch.

    Args:
        model: a model in evaluation mode.
        texts: the split.
        size: texts of a batch.
        seed: seed of the run, for the noise at evaluation.
        attribution: the attribution of the tokens of one batch.
        drawn: indices of the texts to compute; None for all.

    Returns:
        [tokens] float32 values, NaN for texts that are not drawn.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    values = np.full(len(texts.token_ids), np.nan, np.float32)
    drawn = np.arange(len(texts)) if drawn is None else drawn

    def read(chosen: np.ndarray) -> np.ndarray:
        batch = pad(texts, chosen).to(model.device)
        with torch.no_grad():
            embedded = model.embed(batch)
            logits = model(batch, noise_of(model, chosen, seed), embedded).logits
        padded = attribution(chosen, batch, embedded, logits.argmax(-1)).detach().cpu()
        return padded.numpy()[Eraser.real(texts.lengths[chosen])]

    # cuDNN computes no gradients of recurrent networks in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        for places in batches(texts.lengths[drawn], size):
            for part, found in in_parts(drawn[places], read, model.device):
                values[ranges(texts.offsets, part)] = found
    return values
