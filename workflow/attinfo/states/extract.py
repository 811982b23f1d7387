"""The states of a trained model on the texts of a split: the arrays of the store."""

import numpy as np
import torch
from torch import Tensor

from attinfo.data.batches import ranges
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.models.distances import total_variation
from attinfo.models.inference import outputs
from attinfo.runtime.seeds import seed_of


def permuted(output: Output, lengths: Tensor, chosen: np.ndarray, seed: int) -> Output:
    """Permute scores and weights among the tokens of each text, each text by itself.

    Args:
        output: the output for a batch.
        lengths: [B] number of tokens of each text.
        chosen: [B] indices of the texts in the split; they and `seed` determine the permutations.
        seed: seed of the run.

    Returns:
        The output with permuted `score` and `attention`. `logits` is left as it was.
    """
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
    lengths: Tensor,
    chosen: np.ndarray,
    permutations: int,
    seed: int,
) -> np.ndarray:
    """The change of the output when the weights of a text are permuted among its tokens.

    Args:
        model: a model in evaluation mode.
        output: the output for a batch, with the trained weights.
        lengths: [B] number of tokens of each text.
        chosen: [B] indices of the texts in the split; they and `seed` determine the permutations.
        permutations: number of permutations, K.
        seed: seed of the run.

    Returns:
        [B, K] total variation distance of the class probabilities, 0 to 1.

    Reference: Jain & Wallace 2019, section 4.2.1.
    """
    changes = np.empty((len(chosen), permutations), np.float32)
    for row, (text, length) in enumerate(zip(chosen, lengths.tolist(), strict=True)):
        rng = np.random.default_rng(seed_of("permutations", seed, int(text)))
        copies = np.tile(output.attention[row, :length].numpy(), (permutations, 1))
        weights = torch.from_numpy(rng.permuted(copies, axis=1))
        context = weights @ output.hidden[row, :length]
        logits = model.output_layer(context.to(model.device)).cpu()
        if model.query_output_layer is not None:  # what the query adds is the same
            own = output.attention[row, :length] @ output.hidden[row, :length]
            logits = logits + output.logits[row] - model.output_layer(own.to(model.device)).cpu()
        changes[row] = total_variation(logits, output.logits[row]).numpy()
    return changes


def states_of(
    model: Classifier, texts: Texts, seed: int = 0, permute: bool = False, permutations: int = 0
) -> dict[str, np.ndarray]:
    """Run a model over a split and collect the arrays of the store, see `states.store`.

    Args:
        model: a model in evaluation mode.
        texts: the split.
        seed: seed of the run, for the noise at evaluation and for permutations.
        permute: permute the weights within each text and compute the output from them.
        permutations: number of further permutations for `output_change`; 0 leaves it out.

    Returns:
        Arrays by name. The tokens of text i are offsets[i]:offsets[i + 1].

    Raises:
        InputError: the memory of the device is too small for a single text.
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
                hidden = output.hidden.to(model.device)
                weights = output.attention.to(model.device)
                logits = model.classify(hidden, weights, model.query_of(batch.to(model.device)))
                output = output._replace(logits=logits.cpu())
            real = torch.arange(batch.token_ids.shape[1]) < batch.lengths[:, None]
            rows = ranges(texts.offsets, chosen)
            for name in ("hidden", "score", "attention"):
                keep(name, getattr(output, name)[real].numpy(), rows, len(texts.token_ids))
            keep("logits", output.logits.numpy(), chosen, len(texts))
    layer = model.output_layer
    return flat | {
        "output_weight": layer.weight.numpy(force=True).astype(np.float32),
        "output_bias": layer.bias.numpy(force=True).astype(np.float32),
        "token_id": texts.token_ids.astype(np.int32),
        "offsets": texts.offsets,
        "label": texts.labels.astype(np.float32 if texts.labels.dtype.kind == "f" else np.int32),
    }
