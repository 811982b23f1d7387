"""Nothing is lost: a study killed at any moment goes on by itself and ends in the same bytes."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
import json
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time

from project import small_project, snakemake
import pytest

pytestmark = pytest.mark.slow

KILLS = 20
RUN = [sys.executable, "-m", "snakemake", "--configfile", "small.yaml"]
# Times, hosts and what a killed job left under temporary names may differ; no result may.
OF_THE_RUN = ("logs", "benchmarks", "seconds.csv")


def results(folder: Path) -> dict[str, bytes]:
    """Every result of a study by its path, `run.json` without times and host."""
    found = {}
    for path in sorted((folder / "results").rglob("*")):
        name = path.relative_to(folder / "results").as_posix()
        if path.is_dir() or set(OF_THE_RUN) & set(path.parts) or path.name[0] == ".":
            continue
        found[name] = path.read_bytes()
        if path.name == "run.json":
            record = json.loads(found[name])
            del record["seconds"], record["host"]
            found[name] = json.dumps(record).encode()
    return found


def compare(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert one.keys() == other.keys()
    different = [name for name in one if one[name] != other[name]]
    # The page shows the time that the stages took; its tables are among the other files.
    assert set(different) <= {"small/report.html"}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study on two cores, undisturbed."""
    folder = small_project(tmp_path_factory.mktemp("quiet"))
    done = snakemake(folder, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_one_core_gives_the_bytes_of_two(quiet: Path, tmp_path: Path) -> None:
    folder = small_project(tmp_path)
    done = snakemake(folder, "--configfile", "small.yaml", "--cores", "1")
    assert done.returncode == 0, done.stderr[-3000:]
    compare(results(folder), results(quiet))


def complete(folder: Path) -> Iterator[Path]:
    """Outputs of finished jobs: those that Snakemake has not marked incomplete."""
    records = folder / ".snakemake/incomplete"
    keys = (path.relative_to(records) for path in records.rglob("*") if path.is_file())
    # A long name is spread over folders, each with an @ before it.
    names = ("".join(part.removeprefix("@") for part in key.parts) for key in keys)
    marked = {urlsafe_b64decode(name).decode() for name in names}
    for path in (folder / "results/small").rglob("*.safetensors"):
        if path.name[0] != "." and path.relative_to(folder).as_posix() not in marked:
            yield path


def test_a_study_killed_twenty_times_goes_on_by_itself_and_ends_in_the_same_bytes(
    quiet: Path, tmp_path: Path
) -> None:
    folder, chance = small_project(tmp_path), random.Random(20)
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")}
    finished: dict[Path, int] = {}
    kills = 0
    while kills < KILLS or (not finished and kills < 2 * KILLS):
        process = subprocess.Popen(
            [*RUN, "--cores", "2"],
            cwd=folder,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # A slow machine finishes nothing within 12 s: later kills wait longer.
        time.sleep(chance.uniform(2, 12 if kills < KILLS else 60))
        if process.poll() is not None:  # all was done: one cell is made anew
            assert process.returncode == 0
            states = chance.choice(sorted((folder / "results/small").rglob("model.safetensors")))
            states.unlink()
            finished.clear()
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        finished |= {path: path.stat().st_mtime_ns for path in complete(folder)}
    done = snakemake(folder, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    compare(results(folder), results(quiet))
    # What was finished before a kill was not made again.
    assert finished and all(p.stat().st_mtime_ns == t for p, t in finished.items())
    assert "Nothing to be done" in snakemake(folder, "--configfile", "small.yaml").stderr


def test_a_second_run_in_the_folder_is_refused_in_a_line_and_a_dry_run_is_not(
    quiet: Path,
) -> None:
    (quiet / "results/small/claims.csv").unlink()
    first = subprocess.Popen(
        [*RUN, "--cores", "1"],
        cwd=quiet,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        lock, end = quiet / ".snakemake/run.lock", time.monotonic() + 60
        while f"process {first.pid} " not in lock.read_text() and time.monotonic() < end:
            time.sleep(0.1)
        # It stands still, so that no file vanishes while the dry run looks at all of them.
        os.killpg(first.pid, signal.SIGSTOP)
        second = snakemake(quiet, "--configfile", "small.yaml")
        assert second.returncode != 0
        assert f"another run is at work in this folder (process {first.pid} on" in second.stderr
        assert "Traceback" not in second.stderr
        dry = snakemake(quiet, "--configfile", "small.yaml", "--dry-run")
        assert dry.returncode == 0
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    done = snakemake(quiet, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
