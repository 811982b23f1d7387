"""Files of word vectors: their names, how they are opened, and the size of the vectors.

Standard library only.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
import gzip
from pathlib import Path
import zlib

from attinfo.runtime.errors import InputError, no_file

GZIP, ZIP, BYTE_ORDER = b"\x1f\x8b", b"PK\x03\x04", b"\xef\xbb\xbf"  # first bytes of a file
MATRIX, WORDS = "matrix.npy", "words.json"  # of an unpacked package


@contextmanager
def opened(path: Path) -> Iterator[Iterable[bytes]]:
    """The bytes of a file, unpacked if it is gzipped.

    Raises:
        InputError: it is not there, is no file, is a zip archive or a damaged .gz.
    """
    if not path.is_file():
        raise InputError(f"model.vectors: '{path}': found {no_file(path)}, expected a file")
    with path.open("rb") as file:
        start = file.read(4)
    if start == ZIP:
        raise InputError(f"{path}: is a zip archive, expected the text file in it")
    try:
        with gzip.open(path) if start.startswith(GZIP) else path.open("rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: is gzipped and damaged: {error}") from None


def first_line(line: bytes) -> tuple[int, bool]:
    """The numbers of a vector by the first line of a file, and whether the line has no vector.

    word2vec and fastText have a line of two whole numbers before the vectors; GloVe has none.
    """
    fields = line.removeprefix(BYTE_ORDER).rstrip(b" \r\n").split(b" ")
    if len(fields) == 2 and all(map(bytes.isdigit, fields)):
        return int(fields[1]), True
    return len(fields) - 1, False


def size_of(path: str | Path) -> int:
    """The numbers of a vector in a file; 0 if its first line has none.

    Raises:
        InputError: see `opened`.
    """
    with opened(Path(path)) as file:
        return first_line(next(iter(file), b""))[0]
