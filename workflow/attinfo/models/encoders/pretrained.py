"""A pretrained Hugging Face encoder: features of tokens from the subwords that overlap them."""

from collections.abc import Sequence
from dataclasses import replace
import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attinfo.data.batches import Batch, batches, pad, ranges
from attinfo.data.subwords import cut
from attinfo.data.texts import Texts, read_arrow, read_texts
from attinfo.models.huggingface import config_of, folder_of, tokenizer_of, weights_of
from attinfo.runtime.devices import in_parts

log = logging.getLogger(__name__)
BATCH = 32  # texts


class SubwordModel(nn.Module):
    """A pretrained model that gives each token the mean of the last states of its subwords.

    The subwords of a token are those that share a character with it. A token without subwords,
    because the model's tokeniser drops its characters, has features of zero.

    Args:
        folder: folder of the pretrained model, see `huggingface.folder_of`.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.model = weights_of(folder)
        self.config = config_of(folder)

    @property
    def size(self) -> int:
        """Number of features of a token, F."""
        size: int = self.config.hidden_size
        return size

    def forward(self, batch: Batch) -> Tensor:
        """[B, T, F] features of the tokens of a batch.

        Raises:
            ValueError: the batch has no subwords.
        """
        subwords = batch.pieces
        if subwords is None:
            raise ValueError("a batch without subwords, expected texts from `read_inputs`")
        states = self.model(input_ids=subwords.ids, attention_mask=subwords.real).last_hidden_state
        overlapping = states.flatten(0, 1).index_select(0, subwords.piece)
        total = states.new_zeros(batch.token_ids.numel(), states.shape[2])
        total = total.index_add(0, subwords.token, overlapping)
        number = subwords.token.bincount(minlength=len(total))
        return (total / number.clamp(min=1)[:, None]).unflatten(0, batch.token_ids.shape)


def features(subword_model: SubwordModel, texts: Texts, values: np.ndarray) -> None:
    """Compute the features of all tokens, without gradients and without dropout.

    Args:
        subword_model: the pretrained model.
        texts: a split with subwords.
        values: [tokens, F] float32, filled in. It may be a memory map, because the features of a
            large data set may not fit into memory.

    Raises:
        ValueError: the texts have no subwords.
        InputError: the memory of the device is too small for a single text.
    """
    if texts.pieces is None:
        raise ValueError("texts without subwords, expected texts from `read_subwords`")
    device = next(subword_model.parameters()).device

    def read(chosen: np.ndarray) -> np.ndarray:
        batch = pad(texts, chosen)
        real = torch.arange(batch.token_ids.shape[1]) < batch.lengths[:, None]
        found: Tensor = subword_model(batch.to(device))
        return found.cpu()[real].numpy()

    subword_model.eval()
    with torch.inference_mode():
        for chosen in batches(texts.pieces.lengths, BATCH):
            for part, found in in_parts(chosen, read, device):
                values[ranges(texts.offsets, part)] = found


def with_subwords(
    texts: Texts,
    strings: Sequence[str],
    starts: np.ndarray,
    ends: np.ndarray,
    model: str,
    revision: str | None = None,
) -> Texts:
    """Add the subwords of a pretrained model to texts.

    Args:
        texts: one split.
        strings: the characters of each text.
        starts: [tokens] first character of each token in its text.
        ends: [tokens] the character after the last one of each token.
        model: folder of the pretrained model, or its name on the Hugging Face hub.
        revision: commit that pins a model on the hub; None for a folder.

    Raises:
        InputError: the model does not exist, or its tokeniser cannot be used.
    """
    tokenizer, limit = tokenizer_of(folder_of(model, revision))
    subwords = cut(strings, texts.offsets, starts, ends, tokenizer, limit)
    log.info(
        "%d texts: %d subwords in %d windows; %d of %d tokens have none",
        len(texts),
        len(subwords.ids),
        len(subwords.offsets) - 1,
        subwords.bare(texts.lengths),
        len(texts.token_ids),
    )
    return replace(texts, pieces=subwords)


def read_subwords(data: str | Path, split: str, model: str, revision: str | None) -> Texts:
    """Read one split of a prepared data set, with the subwords of a pretrained model.

    Args:
        data: folder of the data set.
        split: `train`, `dev` or `test`.
        model: folder of the pretrained model, or its name on the Hugging Face hub.
        revision: commit that pins a model on the hub; None for a folder.

    Raises:
        InputError: the model does not exist, or its tokeniser cannot be used.
    """
    table = read_arrow(data, split)
    starts, ends = (
        table[name].combine_chunks().flatten().to_numpy().astype(np.int64)
        for name in ("starts", "ends")
    )
    strings = table["text"].to_pylist()
    return with_subwords(read_texts(data, split), strings, starts, ends, model, revision)


class Pretrained(nn.Module):
    """A pretrained Hugging Face encoder, frozen or fine-tuned.

    The hidden state of a token is a learned linear projection, to `width`, of the mean of the
    last states of its subwords. So all encoders have states of the same size.

    Without `fine_tune` the features before the projection are computed once for a data set, and
    only the projection is trained and stored with a run. With `fine_tune` all weights are trained
    and stored. The keys `embedding` and `vectors` of the config do not apply. Variants with a new
    or an untrained encoder also start from the pretrained weights: only the projection is random.

    Args:
        inputs: not used.
        width: number of features of a hidden state, d.
        model: folder of the pretrained model, or its name on the Hugging Face hub.
        revision: commit that pins a model on the hub; None for a folder.
        fine_tune: train all weights instead of the projection only.

    Raises:
        InputError: the model does not exist, or its weights cannot be used.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        model: str,
        revision: str | None = None,
        fine_tune: bool = False,
    ):
        super().__init__()
        folder = folder_of(model, revision)
        self.projection = nn.Linear(config_of(folder).hidden_size, width)
        self.subwords = SubwordModel(folder) if fine_tune else None

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, F] features of the tokens of a batch, zero at padding.

        Raises:
            ValueError: the texts of the batch are not from `read_inputs`.
        """
        values = batch.features if self.subwords is None else self.subwords(batch)
        if values is None:
            raise ValueError("a batch without features, expected texts from `read_inputs`")
        return values

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.projection(embedded)

    @staticmethod
    def read(
        data: str | Path,
        split: str,
        features_folder: str | Path | None = None,
        *,
        model: str,
        revision: str | None = None,
        fine_tune: bool = False,
    ) -> Texts:
        """Read one split of a prepared data set, with the subwords or the features of the tokens.

        Args:
            data: folder of the data set.
            split: `train`, `dev` or `test`.
            features_folder: a folder from `models.features.write_features`, if not `fine_tune`.
            model: folder of the pretrained model, or its name on the Hugging Face hub.
            revision: commit that pins a model on the hub; None for a folder.
            fine_tune: whether the encoder is fine-tuned, and so reads subwords.

        Raises:
            ValueError: the folder of features is missing.
        """
        if fine_tune:
            return read_subwords(data, split, model, revision)
        if features_folder is None:
            raise ValueError("no folder of features, expected one from `write_features`")
        values = np.load(Path(features_folder) / f"{split}.npy", mmap_mode="r")
        return replace(read_texts(data, split), features=values)
