"""Features of a frozen pretrained encoder, computed once for all runs of a data set."""

from pathlib import Path

import numpy as np
import torch

from attinfo.models.encoders.pretrained import SubwordModel, features, read_subwords
from attinfo.models.huggingface import folder_of

SPLITS = ("train", "dev", "test")


def write_features(
    data: str | Path,
    model: str,
    revision: str | None,
    folder: str | Path,
    device: torch.device | str = "cpu",
) -> None:
    """Write `train.npy`, `dev.npy` and `test.npy`: [tokens, F] float32 features of each token.

    Args:
        data: folder of a prepared data set.
        model: folder of the pretrained model, or its name on the Hugging Face hub.
        revision: commit that pins a model on the hub; None for a folder.
        folder: the folder to make.
        device: the device to run the model on.

    Raises:
        InputError: the model does not exist, or its tokeniser or its weights cannot be used.
    """
    Path(folder).mkdir(parents=True)
    subword_model = SubwordModel(folder_of(model, revision)).to(device)
    for split in SPLITS:
        texts = read_subwords(data, split, model, revision)
        shape = len(texts.token_ids), subword_model.size
        path = Path(folder) / f"{split}.npy"
        values = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        features(subword_model, texts, values)
        values.flush()
