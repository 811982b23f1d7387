"""Features of a frozen pretrained encoder, computed once for all runs that read them."""

from pathlib import Path

import numpy as np
import torch

from attinfo.models.encoders.pretrained import Subwords, features, read_subwords
from attinfo.models.huggingface import folder_of

SPLITS = ("train", "dev", "test")


def write_features(
    data: str | Path,
    model: str,
    revision: str | None,
    folder: str | Path,
    device: torch.device | str = "cpu",
) -> None:
    """Write `train.npy`, `dev.npy` and `test.npy`: [tokens, F] float32 of a frozen encoder.

    Args:
        data: folder of a prepared data set.
        model, revision: options of the encoder `pretrained`.
        folder: to be made.
        device: that the encoder runs on.

    Raises:
        InputError: there is no such model, or its tokeniser or weights cannot be used.
    """
    Path(folder).mkdir(parents=True)
    subwords = Subwords(folder_of(model, revision)).to(device)
    size = subwords.model.config.hidden_size
    for split in SPLITS:
        texts = read_subwords(data, split, model, revision)
        shape = len(texts.token_ids), size
        path = Path(folder) / f"{split}.npy"
        found = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        features(subwords, texts, found)
        found.flush()
