"""Pretrained models in the Hugging Face layout: folder, config, tokeniser and weights."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
import torch
from torch import nn

from attinfo.data.model_folders import VOCABULARIES
from attinfo.runtime.errors import InputError

FILES = ["*.json", "*.txt", "*.model", "model*.safetensors"]  # downloaded from the hub
PLACE = "encoders.pretrained"  # where a config names the model, for messages
UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)
TIMEOUT = 10  # seconds to wait for the hub's answer whether a model exists
WINDOW = 512  # subwords that an encoder reads at once if its config does not say


def transformers_of(place: str = PLACE) -> Any:
    """Import the package `transformers`, which takes a second and which other encoders do not need.

    Args:
        place: the key of the config that needs the package, for messages.

    Raises:
        InputError: the package is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise InputError(
            f"{place} needs the package 'transformers', which is not installed: "
            "pip install '.[pretrained]'"
        ) from None
    messages: Any = transformers.logging  # its functions have no annotations
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    return transformers


def one_line(error: Exception) -> str:
    """The message of an error without line breaks, or the error's type if there is no message."""
    return " ".join(str(error).split()) or type(error).__name__


def folder_of(model: str, revision: str | None, place: str = PLACE) -> Path:
    """Find the folder of a pretrained model, and download the model from the hub if necessary.

    Args:
        model: a folder, or a name on the Hugging Face hub.
        revision: commit that pins a model on the hub; None for a folder.
        place: the key of the config that names the model, for messages.

    Returns:
        The folder itself, or the folder of the model in the hub's cache.

    Raises:
        InputError: neither a folder nor the hub holds such a model, or the hub does not answer.
    """
    transformers_of(place)  # `huggingface_hub` comes with it
    folder = Path(model)
    if not folder.is_dir():
        if revision is None:
            raise InputError(
                f"{place}: model: '{model}' is no folder here, and a model on the hub "
                "needs 'revision', the commit that pins it"
            )
        folder = _downloaded(model, revision, place)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{place}: model: '{model}' holds no config.json, "
            "expected a model in the layout of the Hugging Face hub"
        )
    return folder


def _downloaded(model: str, revision: str, place: str) -> Path:
    """Download a model from the hub: weights in safetensors only, neither code nor pickle."""
    from huggingface_hub import HfApi, snapshot_download

    def snapshot(**options: Any) -> Path:
        return Path(snapshot_download(model, revision=revision, allow_patterns=FILES, **options))

    try:
        with suppress(OSError):
            folder = snapshot(local_files_only=True)
            if any(folder.glob(FILES[-1])):  # the cache may hold other files of the model only
                return folder
        # One request first: without a network, `snapshot_download` retries for half a minute.
        HfApi().model_info(model, revision=revision, timeout=TIMEOUT)
        return snapshot()
    except Exception as error:  # the HTTP library's own errors differ between hub versions
        raise InputError(
            f"{place}: cannot get '{model}' at revision '{revision}' from the "
            f"Hugging Face hub: {one_line(error)}"
        ) from None


def config_of(folder: Path, place: str = PLACE) -> Any:
    """Read the configuration of a model, an object of `transformers`.

    Raises:
        InputError: the file cannot be read, or `transformers` does not know the kind of model.
    """
    transformers = transformers_of(place)
    try:
        return transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{place}: {folder}: cannot read its config: {one_line(error)}") from None


def tokenizer_of(folder: Path, place: str = PLACE) -> tuple[Any, int]:
    """Read the tokeniser of a model.

    Returns:
        The tokeniser, and the largest number of subwords that the model reads at once.

    Raises:
        InputError: there is no tokeniser, or it does not give the characters of each subword.
    """
    transformers = transformers_of(place)
    config = config_of(folder, place)
    if not any(file for pattern in VOCABULARIES for file in folder.glob(pattern)):
        # Otherwise transformers makes a tokeniser for which every word is unknown.
        raise InputError(
            f"{place}: {folder}: holds no tokeniser, expected one of {', '.join(VOCABULARIES)}"
        )
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(
            f"{place}: {folder}: cannot read its tokeniser: {one_line(error)}"
        ) from None
    if not tokenizer.is_fast:
        raise InputError(
            f"{place}: {folder}: its {type(tokenizer).__name__} does not give the "
            "characters of each subword, expected a model with a 'fast' tokeniser"
        )
    positions = getattr(config, "max_position_embeddings", None) or WINDOW
    if tokenizer.model_max_length < 10**9:  # transformers uses a huge number for "unknown"
        return tokenizer, min(tokenizer.model_max_length, positions)
    # RoBERTa and similar models count positions from the id of the padding subword.
    return tokenizer, min(WINDOW, positions - (config.pad_token_id or 0) - 1)


def network_of(
    kind: str, folder: Path, place: str = PLACE, **options: Any
) -> tuple[Any, dict[str, Any]]:
    """Read the network of a folder in float32, from safetensors alone and without the hub.

    Args:
        kind: a class of `transformers`, such as `AutoModel`.
        folder: a folder in the layout of the hub.
        place: the key of the config that names the model, for messages.
        options: further arguments of `from_pretrained`.

    Returns:
        The network, and what `transformers` says about its weights, such as `missing_keys`.

    Raises:
        InputError: the folder holds no weights in safetensors, or no such network.
    """
    try:
        network, loading = getattr(transformers_of(place), kind).from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            **options,
        )
    except UNREADABLE as error:
        raise InputError(f"{place}: {folder}: cannot read its weights: {one_line(error)}") from None
    return network, loading


def weights_of(folder: Path) -> nn.Module:
    """Read a model in float32. Every part that is used has pretrained weights.

    Raises:
        InputError: the folder holds no weights in safetensors, or weights are missing.
    """
    model, loading = network_of("AutoModel", folder)
    # The pooler, for tasks on whole texts, is not used here and is often missing.
    missing = [name for name in sorted(loading["missing_keys"]) if not name.startswith("pooler.")]
    if missing:
        raise InputError(
            f"encoders.pretrained: {folder}: {len(missing)} weights are missing, the first is "
            f"'{missing[0]}': they would be random, expected a complete model"
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model
