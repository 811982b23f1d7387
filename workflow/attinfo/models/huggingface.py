"""Pretrained models in the Hugging Face layout: folder, config, tokeniser and weights."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from attinfo.runtime.errors import InputError

FILES = ["*.json", "*.txt", "*.model", "model*.safetensors"]  # of a model on the hub
ANSWER = 10  # seconds in which the hub answers whether it has a model
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
WINDOW = 512  # subwords that an encoder reads at once, where it does not say


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
