"""A lock on a folder, so that one workflow runs in it at a time. It ends with its process.

The package `filelock` makes the same system call. But `filelock` fails on file systems without
locks, does not record which process holds the lock, and takes 60 ms or more to import.
"""

import fcntl
import os
from pathlib import Path
import time
from typing import IO

from attinfo.runtime.errors import InputError

WAIT = 2.0  # seconds: a dry run that looks at the lock holds it for a moment
_held: list[IO[str]] = []  # open for the rest of the process: closing a file ends its lock


def _locked(path: Path) -> IO[str] | None:
    """The file, locked by this process; None where another one has it.

    Some network file systems have no locks: there everybody gets it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:
        pass
    return file


def holder(path: str | Path) -> str | None:
    """Say which process has the lock; None where none has."""
    file = _locked(Path(path))
    if file is None:
        return Path(path).read_text(encoding="utf-8").strip() or "a process that is just starting"
    file.close()
    return None


def take(path: str | Path) -> None:
    """Take the lock for the rest of the process, however the process ends.

    Raises:
        InputError: another process has it.
    """
    path, end = Path(path), time.monotonic() + WAIT
    while (file := _locked(path)) is None:
        if time.monotonic() > end:
            raise InputError(refusal(path))
        time.sleep(0.1)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {os.uname().nodename}")
    file.flush()
    _held.append(file)


def refusal(path: str | Path) -> str:
    """Say that another run has the lock, and which."""
    return (
        f"another run is at work in this folder ({holder(path)}): "
        "expected one at a time; wait for it, or stop it"
    )
