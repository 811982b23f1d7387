"""Integrated gradients (Sundararajan et al. 2017)."""

from captum.attr import IntegratedGradients
import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch, batches, pad
from attinfo.data.texts import Texts
from attinfo.explain.measures.attribution import ROWS, attributed, log_odds
from attinfo.models.classifier import Classifier
from attinfo.models.inference import noise_of
from attinfo.runtime.devices import in_parts
from attinfo.states.store import States


def integrated_gradients(
    model: Classifier,
    texts: Texts,
    states: States,
    seed: int,
    drawn: np.ndarray | None = None,
    *,
    steps: int = 16,
) -> np.ndarray:
    """Integrated gradients of the log-odds, along the line from zero embeddings to the text.

    The values of a text sum to its log-odds minus the log-odds at zero embeddings, up to the
    error of the quadrature. The sum differs for `gumbel_softmax` with `hard`, whose gradients are
    those of soft weights. For the variant `imposed` the teacher's weights are constants.

    Args:
        model: a model in evaluation mode.
        texts: the texts of the store.
        states: not used.
        seed: seed of the run, for the noise at evaluation.
        drawn: indices of the texts to compute; None for all.
        steps: nodes of the Gauss-Legendre quadrature.

    Returns:
        [tokens] signed values, in units of log-odds; NaN for texts that are not drawn.

    Raises:
        InputError: the memory of the device is too small for a single text.

    Reference: Sundararajan et al. 2017.
    """

    def attribution(
        chosen: np.ndarray, batch: Batch, embedded: Tensor, predicted: Tensor
    ) -> Tensor:
        def explained(embedded: Tensor, rows: Tensor) -> Tensor:
            repeated = chosen[rows.cpu().numpy()]  # captum passes each text once for each node
            output = model(pad(texts, repeated), noise_of(model, repeated, seed), embedded)
            return log_odds(output.logits, predicted[rows])

        values = IntegratedGradients(explained).attribute(
            embedded,
            additional_forward_args=torch.arange(len(chosen), device=embedded.device),
            n_steps=steps,
            method="gausslegendre",
        )
        return values.sum(-1)

    return attributed(model, texts, max(1, ROWS // steps), seed, attribution, drawn)


def from_zero(
    model: Classifier, texts: Texts, states: States, seed: int, drawn: np.ndarray | None = None
) -> np.ndarray:
    """What integrated gradients sum to: the log-odds of a text minus those at zero embeddings.

    The arguments are those of `integrated_gradients`.

    Returns:
        [texts] differences of log-odds of the predicted class; NaN for texts that are not drawn.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    totals = np.full(len(texts), np.nan)
    drawn = np.arange(len(texts)) if drawn is None else drawn

    def read(chosen: np.ndarray) -> np.ndarray:
        batch, noise = pad(texts, chosen).to(model.device), noise_of(model, chosen, seed)
        embedded = model.embed(batch)
        logits, zero = (
            model(batch, noise, own).logits for own in (embedded, torch.zeros_like(embedded))
        )
        predicted = logits.argmax(-1)
        difference: np.ndarray = (log_odds(logits, predicted) - log_odds(zero, predicted)).numpy(
            force=True
        )
        return difference

    with torch.inference_mode():
        for places in batches(texts.lengths[drawn], ROWS):
            for part, found in in_parts(drawn[places], read, model.device):
                totals[part] = found
    return totals
