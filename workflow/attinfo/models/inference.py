"""The outputs of a model on the texts of a split, batch by batch."""

from collections.abc import Iterator

import numpy as np
import torch

from attinfo.data.batches import Batch, batches, pad
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.models.noise import evaluation_noise
from attinfo.runtime.devices import out_of_memory
from attinfo.runtime.errors import InputError

BATCH = 256


def run(model: Classifier, batch: Batch, chosen: np.ndarray, seed: int) -> Output:
    """What a model makes of a batch at evaluation, with noise where its normaliser asks for it.

    Args:
        model: in evaluation mode.
        batch: the texts.
        chosen: [B] their places in the split; they and `seed` decide the noise.
        seed: of the run.
    """
    noise = evaluation_noise(chosen, model.draws, seed) if model.draws else None
    return model(batch, noise).cpu()


def outputs(
    model: Classifier, texts: Texts, seed: int
) -> Iterator[tuple[np.ndarray, Batch, Output]]:
    """The texts of each batch of a split, the batch, and what a model makes of it, see `run`.

    A batch that the memory of the device does not hold is halved.

    Raises:
        InputError: not even one text fits.
    """
    todo = [*batches(texts.lengths, BATCH)][::-1]
    while todo:
        chosen = todo.pop()
        batch = pad(texts, chosen)
        try:
            output = run(model, batch, chosen, seed)
        except torch.OutOfMemoryError:
            if len(chosen) == 1:
                raise InputError(
                    f"device: {model.device} has no memory for a text of {batch.lengths[0]} "
                    "tokens; expected a smaller model, or device 'cpu'"
                ) from None
            out_of_memory(model.device, f"a batch of {len(chosen)} is halved")
            todo += [*np.array_split(chosen, 2)][::-1]
            continue
        yield chosen, batch, output
