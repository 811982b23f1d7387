"""What measures by gradients share: the log-odds that they explain, and the pass over batches."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch, batches, pad, ranges
from attinfo.data.texts import Texts
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.models.noise import Noise, evaluation_noise
from attinfo.runtime.devices import in_parts

ROWS = 512  # texts that a forward pass reads at once


def log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    """[B] log p / (1 - p) of a class of each text, of logits [B, C].

    Unlike a bare logit it does not change when all logits do, and as the one logit of a
    classifier with a sigmoid it does not saturate.
    """
    own = torch.nn.functional.one_hot(classes, logits.shape[1]).bool()
    return logits[own] - logits.masked_fill(own, -torch.inf).logsumexp(-1)


def noise_of(model: Classifier, chosen: np.ndarray, seed: int) -> Noise | None:
    """The Gumbel noise of some texts at evaluation, if the model's normaliser asks for it."""
    return evaluation_noise(chosen, model.draws, seed) if model.draws else None


# Texts [B] of a batch, itself, what the encoder reads [B, T, inputs], predicted classes [B]
# -> values [B, T].
Attribution = Callable[[np.ndarray, Batch, Tensor, Tensor], Tensor]


def attributed(
    model: Classifier, texts: Texts, size: int, seed: int, attribution: Attribution
) -> np.ndarray:
    """[tokens] what is attributed to each, in batches of a size."""
    found = np.empty(len(texts.token_ids), np.float32)

    def read(chosen: np.ndarray) -> None:
        batch = pad(texts, chosen).to(model.device)
        with torch.no_grad():
            embedded = model.embed(batch)
            logits = model(batch, noise_of(model, chosen, seed), embedded).logits
        values = attribution(chosen, batch, embedded, logits.argmax(-1)).detach().cpu()
        found[ranges(texts.offsets, chosen)] = values.numpy()[Eraser.real(texts.lengths[chosen])]

    # cuDNN has no gradients of recurrent networks at evaluation.
    with torch.backends.cudnn.flags(enabled=False):
        for chosen in batches(texts.lengths, size):
            in_parts(chosen, read, model.device)
    return found
