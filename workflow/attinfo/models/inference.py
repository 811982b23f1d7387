"""Running a model over the texts of a split, batch by batch."""

from collections.abc import Iterator

import numpy as np

from attinfo.data.batches import Batch, batches, pad
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.models.noise import Noise, evaluation_noise
from attinfo.runtime.devices import in_parts

BATCH = 256  # texts


def noise_of(model: Classifier, chosen: np.ndarray, seed: int) -> Noise | None:
    """The Gumbel noise of a batch at evaluation; None if the normaliser's `draws` is 0.

    Args:
        model: the model.
        chosen: [B] indices of the texts in the split.
        seed: seed of the run.
    """
    return evaluation_noise(chosen, model.draws, seed) if model.draws else None


def run_batch(model: Classifier, batch: Batch, chosen: np.ndarray, seed: int) -> Output:
    """The output of a model for a batch at evaluation, in the memory of the processor.

    Args:
        model: a model in evaluation mode.
        batch: the texts.
        chosen: [B] indices of the texts in the split; they and `seed` determine the noise.
        seed: seed of the run.
    """
    output: Output = model(batch, noise_of(model, chosen, seed))
    return output.cpu()


def outputs(
    model: Classifier, texts: Texts, seed: int
) -> Iterator[tuple[np.ndarray, Batch, Output]]:
    """Run a model over all texts of a split, in order of their length.

    A batch that does not fit into the memory of the device is halved.

    Args:
        model: a model in evaluation mode.
        texts: the split.
        seed: seed of the run, for the noise at evaluation.

    Yields:
        The indices [B] of the texts of a batch, the batch, and the output of the model.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """

    def read(chosen: np.ndarray) -> tuple[Batch, Output]:
        batch = pad(texts, chosen)
        return batch, run_batch(model, batch, chosen, seed)

    for chosen in batches(texts.lengths, BATCH):
        for part, (batch, output) in in_parts(chosen, read, model.device):
            yield part, batch, output
