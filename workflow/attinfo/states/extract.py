"""Run a trained model over the test texts and collect what the store holds."""

import numpy as np
import torch

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.models.distances import total_variation
from attinfo.models.inference import outputs
from attinfo.runtime.seeds import seed_of


def permuted(output: Output, lengths: torch.Tensor, chosen: np.ndarray, seed: int) -> Output:
    """Scores and weights permuted among the tokens of each text; what the text is decides how."""
    order = torch.arange(output.score.shape[1]).repeat(len(chosen), 1)
    for row, text in enumerate(chosen):
        rng = np.random.default_rng(seed_of("permuted", seed, int(text)))
        order[row, : lengths[row]] = torch.from_numpy(rng.permutation(int(lengths[row])))
    return output._replace(
        score=output.score.gather(1, order), attention=output.attention.gather(1, order)
    )


def output_change(
    model: Classifier,
    output: Output,
    lengths: torch.Tensor,
    chosen: np.ndarray,
    permutations: int,
    seed: int,
) -> np.ndarray:
    """How far the output moves when the weights of a text are permuted among its tokens.

    Args:
        model: in evaluation mode.
        output: of a batch, its weights as trained.
        lengths: [B] of the texts.
        chosen: [B] their places in the split, which decide the permutations with `seed`.
        permutations: K.
        seed: of the run.

    Returns:
        [B, K] total variation distance of the class probabilities.

    Reference: Jain & Wallace 2019, section 4.2.1.
    """
    changes = np.empty((len(chosen), permutations), np.float32)
    for row, (text, length) in enumerate(zip(chosen, lengths.tolist(), strict=True)):
        rng = np.random.default_rng(seed_of("permutations", seed, int(text)))
        weights = np.tile(output.attention[row, :length].numpy(), (permutations, 1))
        weights = torch.from_numpy(rng.permuted(weights, axis=1))
        context = weights @ output.hidden[row, :length]
        logits = model.output_layer(context.to(model.device)).cpu()
        changes[row] = total_variation(logits, output.logits[row]).numpy()
    return changes


def states_of(
    model: Classifier, texts: Texts, seed: int = 0, permute: bool = False, permutations: int = 0
) -> dict[str, np.ndarray]:
    """The store's arrays for all texts.

    Args:
        model: in evaluation mode.
        texts: the split to read.
        seed: of the run: of the noise at evaluation and of permutations.
        permute: whether the weights are permuted within each text before the output is read.
        permutations: so many more permutations are tried, and the store has `output_change`.
    """
    flat: dict[str, np.ndarray] = {}

    def keep(name: str, values: np.ndarray, rows: np.ndarray, total: int) -> None:
        target = flat.setdefault(name, np.empty((total, *values.shape[1:]), np.float32))
        target[rows] = values

    with torch.inference_mode():
        for chosen, batch, output in outputs(model, texts, seed):
            if permutations:
                change = output_change(model, output, batch.lengths, chosen, permutations, seed)
                keep("output_change", change, chosen, len(texts))
            if permute:
                output = permuted(output, batch.lengths, chosen, seed)
                seen = (output.hidden.to(model.device), output.attention.to(model.device))
                output = output._replace(logits=model.read(*seen).cpu())
            real = torch.arange(batch.token_ids.shape[1]) < batch.lengths[:, None]
            rows = np.concatenate(
                [np.arange(texts.offsets[i], texts.offsets[i + 1]) for i in chosen]
            )
            for name in ("hidden", "score", "attention"):
                keep(name, getattr(output, name)[real].numpy(), rows, len(texts.token_ids))
            keep("logits", output.logits.numpy(), chosen, len(texts))
    return flat | {
        "token_id": texts.token_ids.astype(np.int32),
        "offsets": texts.offsets,
        "label": texts.labels.astype(np.int32),
    }
