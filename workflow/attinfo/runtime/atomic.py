"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
import shutil
import time
from uuid import uuid4

DAY = 86_400  # seconds: nobody writes a file for longer


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error.

    Works for a file and for a folder. What a failing block had written is removed; what a killed
    one had written is, a day later, by the next that writes the same.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{escape(path.stem)}-{'[0-9a-f]' * 8}{escape(path.suffix)}"):
        if time.time() - left.stat().st_mtime > DAY:
            _remove(left)
    # The ending is kept: writers of pandas and matplotlib go by it.
    temporary = path.with_name(f".{path.stem}-{uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
