"""Importance: what each token of a text contributes to the class that the model predicts.

A measure is of the function that the model computes, that of its noise at evaluation included. Of
the variant `permuted` it is of the trained model, whose weights are permuted in the store alone:
so its permuted weights are set beside an importance that they had no part in. `attention_norm` and
`score` are of the store.

What is explained is the log-odds of the predicted class, log p / (1 - p) (gradients), or its
probability p (erasure). Gradients are taken with respect to what the encoder reads of each token:
its embedding, or with `pretrained` its features, which have read the whole text.

To add a measure: a function `(model, texts, states, seed, *, options=defaults) -> [tokens]`, and
its spec in `attinfo.blocks.measures`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from captum.attr import IntegratedGradients
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from attinfo.blocks.measures import MEASURES as SPECS
from attinfo.data.batches import Batch, batches, pad, ranges
from attinfo.data.texts import Texts
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.models.noise import Noise, evaluation_noise
from attinfo.option_types import Count
from attinfo.runtime.devices import in_parts
from attinfo.states.store import States

ROWS = 512  # texts that a forward pass reads at once
TEXTS = 64  # texts whose tokens are left out at once


def log_odds(logits: Tensor, classes: Tensor) -> Tensor:
    """[B] log p / (1 - p) of a class of each text, of logits [B, C].

    Unlike a bare logit it does not change when all logits do, and as the one logit of a
    classifier with a sigmoid it does not saturate.
    """
    own = torch.nn.functional.one_hot(classes, logits.shape[1]).bool()
    return logits[own] - logits.masked_fill(own, -torch.inf).logsumexp(-1)


def _noise(model: Classifier, chosen: np.ndarray, seed: int) -> Noise | None:
    return evaluation_noise(chosen, model.draws, seed) if model.draws else None


# Texts [B] of a batch, itself, what the encoder reads [B, T, inputs], predicted classes [B]
# -> values [B, T].
Attribution = Callable[[np.ndarray, Batch, Tensor, Tensor], Tensor]


def _attributed(
    model: Classifier, texts: Texts, size: int, seed: int, attribution: Attribution
) -> np.ndarray:
    """[tokens] what is attributed to each, in batches of a size."""
    found = np.empty(len(texts.token_ids), np.float32)

    def read(chosen: np.ndarray) -> None:
        batch = pad(texts, chosen).to(model.device)
        with torch.no_grad():
            embedded = model.embed(batch)
            logits = model(batch, _noise(model, chosen, seed), embedded).logits
        values = attribution(chosen, batch, embedded, logits.argmax(-1)).detach().cpu()
        found[ranges(texts.offsets, chosen)] = values.numpy()[Eraser.real(texts.lengths[chosen])]

    # cuDNN has no gradients of recurrent networks at evaluation.
    with torch.backends.cudnn.flags(enabled=False):
        for chosen in batches(texts.lengths, size):
            in_parts(chosen, read, model.device)
    return found


def gradient(
    model: Classifier, texts: Texts, states: States, seed: int, *, through_attention: bool = True
) -> np.ndarray:
    """Gradient x input: the sum over features of d log-odds / d embedding times embedding.

    [tokens], signed. Without `through_attention` the weights are held fixed, as Jain & Wallace
    (2019) do; they compare its absolute value with attention.
    """

    def attribution(
        chosen: np.ndarray, batch: Batch, embedded: Tensor, predicted: Tensor
    ) -> Tensor:
        embedded.requires_grad_()
        hidden = model.encode(batch, embedded)
        seen = hidden if through_attention else hidden.detach()
        _, weights = model.attend(batch, seen, _noise(model, chosen, seed))
        total = log_odds(model.read(hidden, weights), predicted).sum()
        (slope,) = torch.autograd.grad(total, embedded)
        return (slope * embedded).sum(-1)

    return _attributed(model, texts, ROWS, seed, attribution)


def integrated_gradients(
    model: Classifier, texts: Texts, states: States, seed: int, *, steps: Count = 16
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
            output = model(pad(texts, own), _noise(model, own, seed), embedded)
            return log_odds(output.logits, predicted[rows])

        values = IntegratedGradients(explained).attribute(
            embedded,
            additional_forward_args=torch.arange(len(chosen), device=embedded.device),
            n_steps=steps,
            method="gausslegendre",
        )
        return values.sum(-1)

    return _attributed(model, texts, max(1, ROWS // steps), seed, attribution)


def leave_one_out(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """How far the probability of the predicted class falls when the token is deleted.

    [tokens], signed. With two classes its absolute value is the total variation distance of Jain
    & Wallace (2019). NaN for the token of a text of one, of which nothing would be left.
    """
    eraser, found = Eraser(model, texts, seed), np.full(len(texts.token_ids), np.nan, np.float32)
    for chosen in batches(texts.lengths, TEXTS):
        chosen = chosen[texts.lengths[chosen] > 1]
        real = Eraser.real(texts.lengths[chosen])
        row, place = np.nonzero(real)
        keep = real[row]
        keep[np.arange(len(row)), place] = False
        found[texts.offsets[chosen[row]] + place] = eraser.drop(chosen[row], keep)
    return found


def attention_norm(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """Weight x norm of the state: the length of what a token adds (Kobayashi et al. 2020)."""
    if states.hidden is None:
        raise ValueError("a store read without its hidden states, expected one with them")
    return states.attention * np.linalg.norm(states.hidden, axis=1)


def score(model: Classifier, texts: Texts, states: States, seed: int) -> np.ndarray:
    """The score that the normaliser makes the weight of."""
    return states.score


MEASURES = {
    "gradient": gradient,
    "integrated_gradients": integrated_gradients,
    "leave_one_out": leave_one_out,
    "attention_norm": attention_norm,
    "score": score,
}


def importance(
    model: Classifier,
    texts: Texts,
    states: States,
    seed: int,
    measures: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """The importance of every token of one run.

    Args:
        model: in evaluation mode.
        texts: those of the store.
        states: the store, with its hidden states.
        seed: of the run: of the noise at evaluation.
        measures: measure -> its options.

    Returns:
        A row for each token, in the order of the store: `text`, `token` (its place in the text),
        and a float32 column a measure, signed where the measure is; NaN where it is not defined.
    """
    values = {
        name: SPECS[name].load()(model, texts, states, seed, **options).astype(np.float32)
        for name, options in measures.items()
    }
    places = {"text": states.text.astype(np.int32), "token": states.position.astype(np.int32)}
    return pd.DataFrame(places | values)
