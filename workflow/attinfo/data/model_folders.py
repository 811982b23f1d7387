"""Quick checks of the folder of a pretrained model. Standard library only."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from attinfo.runtime.errors import InputError

VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def check_model_folder(folder: str | Path, place: str) -> Mapping[str, Any]:
    """Check the layout of a model's folder: config, tokeniser, and weights in safetensors.

    Args:
        folder: of the model.
        place: the key of the config that names it, for messages.

    Returns:
        The content of its `config.json`.

    Raises:
        InputError: one of them is missing, or the config is no JSON object.
    """
    folder = Path(folder)
    file = folder / "config.json"
    if not file.is_file():
        found = "a file" if folder.is_file() else "no config.json"
        found = found if folder.exists() else "nothing there"
        raise InputError(
            f"{place}: '{folder}': found {found}, expected a model in the layout of the Hugging "
            "Face hub"
        )
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
        held = f"weights in pickle alone ({pickled[0]})" if pickled else "no weights"
        raise InputError(f"{place}: '{folder}': found {held}, expected model.safetensors")
    if not any(path for pattern in VOCABULARIES for path in folder.glob(pattern)):
        raise InputError(
            f"{place}: '{folder}': found no tokeniser, expected one of {', '.join(VOCABULARIES)}"
        )
    try:
        config = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{place}: {file} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise InputError(f"{place}: {file} holds a {type(config).__name__}, expected an object")
    return config
