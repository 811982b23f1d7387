"""A pretrained encoder: subwords of a Hugging Face model -> features of our tokens."""

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
BATCH = 32


class Subwords(nn.Module):
    """Pieces -> features of tokens: the mean of the last states of the pieces that overlap one.

    A token that no piece overlaps, since the model's tokeniser drops its characters, is zero.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.model = weights_of(folder)

    def forward(self, batch: Batch) -> Tensor:
        """[B, T, F] features of the tokens of a batch with pieces."""
        pieces = batch.pieces
        states = self.model(input_ids=pieces.ids, attention_mask=pieces.real).last_hidden_state
        overlapping = states.flatten(0, 1).index_select(0, pieces.piece)
        total = states.new_zeros(batch.token_ids.numel(), states.shape[2])
        total = total.index_add(0, pieces.token, overlapping)
        number = pieces.token.bincount(minlength=len(total))
        return (total / number.clamp(min=1)[:, None]).unflatten(0, batch.token_ids.shape)


def features(subwords: Subwords, texts: Texts, found: np.ndarray) -> None:
    """Fill in the features of all tokens, of the model at rest (no gradient, no dropout).

    Args:
        subwords: the model.
        texts: with pieces.
        found: [tokens, F] float32; may be mapped, as those of a large data set fill the memory.
    """
    device = subwords.model.device

    def read(chosen: np.ndarray) -> None:
        batch = pad(texts, chosen)
        real = torch.arange(batch.token_ids.shape[1]) < batch.lengths[:, None]
        found[ranges(texts.offsets, chosen)] = subwords(batch.to(device)).cpu()[real].numpy()

    subwords.eval()
    with torch.inference_mode():
        for chosen in batches(texts.pieces.lengths, BATCH):
            in_parts(chosen, read, device)


def with_pieces(
    texts: Texts,
    strings: Sequence[str],
    starts: np.ndarray,
    ends: np.ndarray,
    model: str,
    revision: str | None = None,
) -> Texts:
    """The texts with the subword pieces that a model has for each token.

    Args:
        texts: one split.
        strings: the same texts as they were written.
        starts, ends: [tokens] characters of each token in its text.
        model, revision: as in the config.
    """
    tokenizer, limit = tokenizer_of(folder_of(model, revision))
    pieces = cut(strings, texts.offsets, starts, ends, tokenizer, limit)
    log.info(
        "%d texts: %d pieces in %d windows; %d of %d tokens have none",
        len(texts),
        len(pieces.ids),
        len(pieces.offsets) - 1,
        pieces.bare(texts.lengths),
        len(texts.token_ids),
    )
    return replace(texts, pieces=pieces)


def read_subwords(data: str | Path, split: str, model: str, revision: str | None) -> Texts:
    """One split of a prepared data set, with the subwords that a model has for each token."""
    table = read_arrow(data, split)
    starts, ends = (
        table[name].combine_chunks().flatten().to_numpy().astype(np.int64)
        for name in ("starts", "ends")
    )
    strings = table["text"].to_pylist()
    return with_pieces(read_texts(data, split), strings, starts, ends, model, revision)


class Pretrained(nn.Module):
    """A pretrained Hugging Face encoder, frozen or fine-tuned; words are means of their pieces.

    A state is a learned linear projection to `width` of the mean of the last states of the
    subword pieces that overlap the token, so that d is the same for every encoder. `model` is a
    folder, or a name on the hub pinned by its `revision`.

    Frozen, the features before the projection are computed once for a data set, and only the
    projection is stored with a run. With `fine_tune` all weights are trained and stored.
    `embedding` and `vectors` of the config do not concern it. Variants that draw the encoder anew
    or never train it start from the pretrained weights all the same: only the projection is new.
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
        self.subwords = Subwords(folder) if fine_tune else None

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, F] features of the tokens of a batch whose texts are from `read_inputs`."""
        found = batch.features if self.subwords is None else self.subwords(batch)
        if found is None:
            raise ValueError("a batch without features, expected texts from `read_inputs`")
        return found

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
        """One split of a prepared data set, with the subwords or the features of its tokens.

        Args:
            data: folder of the data set.
            split: train, dev or test.
            features_folder: from `models.features.write_features`, where the model is frozen.
            model, revision, fine_tune: options of the encoder.
        """
        if fine_tune:
            return read_subwords(data, split, model, revision)
        if features_folder is None:
            raise ValueError("no folder of features, expected one from `write_features`")
        found = np.load(Path(features_folder) / f"{split}.npy", mmap_mode="r")
        return replace(read_texts(data, split), features=found)
