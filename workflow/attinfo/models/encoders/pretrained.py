"""A pretrained encoder of the Hugging Face hub: subword pieces -> features of our tokens."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attinfo.data.batches import Batch, batches, pad, ranges
from attinfo.data.subwords import cut
from attinfo.data.texts import Texts
from attinfo.option_types import Text
from attinfo.runtime.devices import in_parts
from attinfo.runtime.errors import InputError

log = logging.getLogger(__name__)
FILES = ["*.json", "*.txt", "*.model", "model*.safetensors"]  # of a model on the hub
ANSWER = 10  # seconds in which the hub answers whether it has a model
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
WINDOW = 512  # pieces that an encoder reads at once, where it does not say
BATCH = 32


def _transformers() -> Any:
    """The package, which only this encoder needs and which takes a second to import.

    Raises:
        InputError: it is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise InputError(
            "encoders.pretrained needs the package 'transformers', which is not installed: "
            "pip install '.[pretrained]'"
        ) from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def folder_of(model: str, revision: str | None) -> Path:
    """The folder of a model: one's own, or the cache of the hub, downloaded where it must be.

    Raises:
        InputError: neither the folder nor the hub has such a model, or the hub is out of reach.
    """
    _transformers()  # it brings what asks the hub
    folder = Path(model)
    if not folder.is_dir():
        if revision is None:
            raise InputError(
                f"encoders.pretrained: model: '{model}' is no folder here, and a model on the hub "
                "needs 'revision', the commit that pins it"
            )
        folder = _downloaded(model, revision)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"encoders.pretrained: model: '{model}' holds no config.json, "
            "expected a model in the layout of the Hugging Face hub"
        )
    return folder


def _downloaded(model: str, revision: str) -> Path:
    """A model of the hub. Its weights come in safetensors: no code or pickle is brought."""
    from huggingface_hub import HfApi, snapshot_download

    def snapshot(**options: Any) -> Path:
        return Path(snapshot_download(model, revision=revision, allow_patterns=FILES, **options))

    try:
        with suppress(OSError):
            folder = snapshot(local_files_only=True)
            if any(folder.glob(FILES[-1])):  # else another program wanted a part of it
                return folder
        # Asked first for a single thing, since to list its files would be tried for half a minute.
        HfApi().model_info(model, revision=revision, timeout=ANSWER)
        return snapshot()
    except Exception as error:  # of the HTTP library too, which changes with the hub's
        raise InputError(
            f"encoders.pretrained: cannot get '{model}' at revision '{revision}' from the "
            f"Hugging Face hub: {_one_line(error)}"
        ) from None


def config_of(folder: Path) -> Any:
    """The configuration of a model.

    Raises:
        InputError: it cannot be read, or it is of a model that `transformers` does not know.
    """
    transformers = _transformers()
    try:
        return transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"encoders.pretrained: {folder}: cannot read its config: {_one_line(error)}"
        ) from None


def tokenizer_of(folder: Path) -> tuple[Any, int]:
    """The tokeniser of a model, and how many pieces the model reads at once.

    Raises:
        InputError: there is none, or it cannot tell which characters a piece stands for.
    """
    transformers = _transformers()
    config = config_of(folder)
    if not any(file for pattern in VOCABULARIES for file in folder.glob(pattern)):
        # Without one, transformers would make a tokeniser to which every word is unknown.
        raise InputError(
            f"encoders.pretrained: {folder}: holds no tokeniser, "
            f"expected one of {', '.join(VOCABULARIES)}"
        )
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(
            f"encoders.pretrained: {folder}: cannot read its tokeniser: {_one_line(error)}"
        ) from None
    if not tokenizer.is_fast:
        raise InputError(
            f"encoders.pretrained: {folder}: its {type(tokenizer).__name__} does not tell which "
            "characters a piece stands for, expected a model with a 'fast' tokeniser"
        )
    places = getattr(config, "max_position_embeddings", None) or WINDOW
    if tokenizer.model_max_length < 10**9:  # it says so; else transformers puts a huge number
        return tokenizer, min(tokenizer.model_max_length, places)
    # RoBERTa and its kin count places from the number of the padding piece.
    return tokenizer, min(WINDOW, places - (config.pad_token_id or 0) - 1)


def weights_of(folder: Path) -> nn.Module:
    """The model in float32, with pretrained weights in every part.

    Raises:
        InputError: the folder holds no weights in safetensors, or they are of another model.
    """
    transformers = _transformers()
    try:
        model, found = transformers.AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"encoders.pretrained: {folder}: cannot read its weights: {_one_line(error)}"
        ) from None
    # The pooler reads the first piece for tasks of whole texts: not used here, often not there.
    missing = [name for name in sorted(found["missing_keys"]) if not name.startswith("pooler.")]
    if missing:
        raise InputError(
            f"encoders.pretrained: {folder}: {len(missing)} weights are not in its file, "
            f"the first '{missing[0]}': they would be random, expected a whole model"
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


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

    requires = "transformers"
    reads_pieces = True

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        model: Text,
        revision: Text | None = None,
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
