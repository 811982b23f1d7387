"""Integrated gradients (Sundararajan et al. 2017)."""

from captum.attr import IntegratedGradients
import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import Batch, pad
from attinfo.data.texts import Texts
from attinfo.explain.measures.attribution import ROWS, attributed, log_odds, noise_of
from attinfo.models.classifier import Classifier
from attinfo.states.store import States


def integrated_gradients(
    model: Classifier, texts: Texts, states: States, seed: int, *, steps: int = 16
) -> np.ndarray:
    """Integrated gradients from zero embeddings, by Gauss-Legendre (Sundararajan et al. 2017).

    [tokens], signed. They sum to the log-odds of the text less those of zero embeddings, up to
    the error of so few steps; not with `gumbel_softmax` and `hard`, whose gradient is of other
    weights than those it gives. Imposed weights are held fixed along the way.
    """

    def attribution(
        chosen: np.ndarray, batch: Batch, embedded: Tensor, predicted: Tensor
    ) -> Tensor:
        def explained(embedded: Tensor, rows: Tensor) -> Tensor:
            own = chosen[rows.cpu().numpy()]  # captum has each text once a step
            output = model(pad(texts, own), noise_of(model, own, seed), embedded)
            return log_odds(output.logits, predicted[rows])

        values = IntegratedGradients(explained).attribute(
            embedded,
            additional_forward_args=torch.arange(len(chosen), device=embedded.device),
            n_steps=steps,
            method="gausslegendre",
        )
        return values.sum(-1)

    return attributed(model, texts, max(1, ROWS // steps), seed, attribution)
