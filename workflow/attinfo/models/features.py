"""What an encoder reads of a prepared data set: token ids, and a pretrained one more than those."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attinfo.data.texts import Texts, read_arrow, read_texts
from attinfo.models.encoders.pretrained import Subwords, features, folder_of, with_pieces

SPLITS = ("train", "dev", "test")


def read_inputs(
    data: str | Path,
    split: str,
    encoder: Mapping[str, Any],
    features_folder: str | Path | None = None,
) -> Texts:
    """One split of a prepared data set, with all that an encoder reads.

    Args:
        data: folder of the data set.
        split: train, dev or test.
        encoder: `name` and options, as in the config.
        features_folder: from `write_features`, where the encoder is a frozen pretrained one.
    """
    if encoder["name"] != "pretrained":
        return read_texts(data, split)
    if encoder["fine_tune"]:
        return _pieces(data, split, encoder["model"], encoder["revision"])
    found = np.load(Path(features_folder) / f"{split}.npy", mmap_mode="r")
    return replace(read_texts(data, split), features=found)


def write_features(
    data: str | Path,
    model: str,
    revision: str | None,
    folder: str | Path,
    device: torch.device | str = "cpu",
) -> None:
    """Write `train.npy`, `dev.npy` and `test.npy`: [tokens, F] float32 of a frozen encoder.

    Raises:
        InputError: there is no such model, or it is of no use here.
    """
    Path(folder).mkdir(parents=True)
    subwords = Subwords(folder_of(model, revision)).to(device)
    size = subwords.model.config.hidden_size
    for split in SPLITS:
        texts = _pieces(data, split, model, revision)
        shape = len(texts.token_ids), size
        path = Path(folder) / f"{split}.npy"
        found = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        features(subwords, texts, found)
        found.flush()


def _pieces(data: str | Path, split: str, model: str, revision: str | None) -> Texts:
    table = read_arrow(data, split)
    starts, ends = (
        table[name].combine_chunks().flatten().to_numpy().astype(np.int64)
        for name in ("starts", "ends")
    )
    strings = table["text"].to_pylist()
    return with_pieces(read_texts(data, split), strings, starts, ends, model, revision)
