"""Run a trained model over the test texts and collect what the store holds."""

import numpy as np
import torch

from attinfo.data.batches import batches, pad
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.seeds import seed_of

BATCH = 256


def permuted(output: Output, lengths: torch.Tensor, chosen: np.ndarray, seed: int) -> Output:
    """Scores and weights permuted among the tokens of each text; what the text is decides how."""
    order = torch.arange(output.score.shape[1]).repeat(len(chosen), 1)
    for row, text in enumerate(chosen):
        rng = np.random.default_rng(seed_of("permuted", seed, int(text)))
        order[row, : lengths[row]] = torch.from_numpy(rng.permutation(int(lengths[row])))
    return output._replace(
        score=output.score.gather(1, order), attention=output.attention.gather(1, order)
    )


def states_of(model: Classifier, texts: Texts, permute: int | None = None) -> dict[str, np.ndarray]:
    """The store's arrays for all texts.

    Args:
        model: in evaluation mode.
        texts: the split to read.
        permute: a seed to permute the weights within each text with, before the output is read.
    """
    flat: dict[str, np.ndarray] = {}
    lengths = texts.lengths
    with torch.inference_mode():
        for chosen in batches(lengths, BATCH):
            ids, length = pad(texts, chosen)
            output = model(ids, length)
            if permute is not None:
                output = permuted(output, length, chosen, permute)
                output = output._replace(logits=model.read(output.hidden, output.attention))
            real = torch.arange(ids.shape[1]) < length[:, None]
            rows = np.concatenate(
                [np.arange(texts.offsets[i], texts.offsets[i + 1]) for i in chosen]
            )
            for name in ("hidden", "score", "attention"):
                values = getattr(output, name)[real].numpy()
                target = flat.setdefault(
                    name, np.empty((len(texts.token_ids), *values.shape[1:]), np.float32)
                )
                target[rows] = values
            logits = flat.setdefault(
                "logits", np.empty((len(texts), output.logits.shape[1]), np.float32)
            )
            logits[chosen] = output.logits.numpy()
    return flat | {
        "token_id": texts.token_ids.astype(np.int32),
        "offsets": texts.offsets,
        "label": texts.labels.astype(np.int32),
    }
