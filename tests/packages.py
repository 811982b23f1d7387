"""Small packages, for what is read out of wheels."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
import zipfile


def write_wheel(folder: Path, name: str, members: Mapping[str, str | bytes]) -> str:
    """Write version 1.0 of a wheel with these files, and return its sha256."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    described = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/", "")
        for file, content in members.items():
            archive.writestr(file, content)
        for file, content in described.items():
            archive.writestr(f"{info}/{file}", content)
    return sha256(path.read_bytes()).hexdigest()
