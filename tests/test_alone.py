"""One run at a time: whoever has the lock keeps it until its process ends, however that is."""

import errno
from pathlib import Path
import signal
import subprocess
import sys

import pytest

from attinfo.runtime import lock as alone
from attinfo.runtime.errors import InputError

HOLD = (
    "import sys, time; from attinfo.runtime.lock import take; "
    "take(sys.argv[1]); print(1, flush=True)"
)


def other(path: Path) -> subprocess.Popen[str]:
    """Another process that has the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{HOLD}; time.sleep(60)", str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    return process


def test_a_second_process_is_refused_in_a_line_that_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "WAIT", 0.2)
    path = tmp_path / "run.lock"
    process = other(path)
    try:
        assert f"process {process.pid} on " in (alone.holder(path) or "")
        with pytest.raises(InputError, match=f"another run .*process {process.pid} on"):
            alone.take(path)
    finally:
        process.kill()
        process.wait()


def test_where_the_file_system_has_no_locks_everybody_may_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(alone.fcntl, "flock", refused)
    alone.take(tmp_path / "run.lock")
    assert alone.holder(tmp_path / "run.lock") is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_dies_with_its_process(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "folder" / "run.lock"
    assert alone.holder(path) is None
    process = other(path)
    process.send_signal(how)
    process.wait()
    assert alone.holder(path) is None
    after = other(path)  # the next one has it
    after.kill()
    after.wait()
