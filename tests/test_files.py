"""Files that are complete or absent, failures reported in one line, provenance, cost."""

import ctypes
from hashlib import sha256
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest

import attinfo
from attinfo.runtime.atomic import whole
from attinfo.runtime.cost import slowest_rules
from attinfo.runtime.errors import unknown
from attinfo.runtime.failures import last_words, message_of
from attinfo.runtime.provenance import code, describe, digest, fingerprint, sources
from attinfo.runtime.seeds import seed_of

LIBRARY = Path(attinfo.__file__).parent
SCRIPTS = Path(__file__).parents[1] / "workflow/scripts"


def python(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A process of its own that finds the library as jobs do."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(LIBRARY.parent)},
        capture_output=True,
        text=True,
        check=check,
    )


# Whole or not at all.


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    target = tmp_path / "deep/er/out.csv"
    with whole(target) as path:
        path.write_text("new")
        assert not target.exists()
        assert path.parent == target.parent  # so that the last step is a mere renaming
        assert path.suffix == ".csv"
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_is_replaced_on_success_and_kept_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    for text in ("old", "new"):
        with whole(target) as path:
            path.write_text(text)
    with pytest.raises(ZeroDivisionError), whole(target) as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), whole(tmp_path / "out.txt") as path:
            path.write_text("half")
            raise error
        with pytest.raises(error), whole(tmp_path / "folder") as path:
            path.mkdir()
            (path / "inside").write_text("half")
            raise error
        with pytest.raises(error), whole(tmp_path / "nothing"):
            raise error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with whole(tmp_path / "data") as path:
            path.mkdir()
            (path / name).write_text(name)
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["two"]
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_two_jobs_may_write_one_file_at_once(tmp_path: Path) -> None:
    with whole(tmp_path / "out") as first, whole(tmp_path / "out") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "out").read_text() == "first"  # the last to end


def test_what_a_killed_job_left_half_written_goes_with_a_later_write(tmp_path: Path) -> None:
    old, new = tmp_path / ".out-0123abcd.csv", tmp_path / ".out-89abcdef.csv"
    other = tmp_path / ".other-0123abcd.csv"
    for path in (old, new, other):
        path.write_text("half")
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    with whole(tmp_path / "out.csv") as path:
        path.write_text("whole")
    # Another job may still be at work on the new one.
    assert {p.name for p in tmp_path.iterdir()} == {"out.csv", new.name, other.name}


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole(tmp_path / "out"):
        pass


# What a user sees.


def job(tmp_path: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "job.py"
    script.write_text(
        "import logging, sys\n"
        "snakemake = None\n"
        "from attinfo.runtime.errors import InputError\nfrom attinfo.runtime.job import job\n"
        f"with job(sys.argv[1]):\n    {body}\n"
    )
    return python(script, tmp_path / "job.log", check=False)


def test_an_input_error_is_one_line_on_stderr_and_a_failed_job(tmp_path: Path) -> None:
    done = job(tmp_path, "raise InputError('mine.csv: no column, expected one')")
    assert done.returncode == 1
    assert done.stderr == "error: mine.csv: no column, expected one\n"
    assert done.stdout == ""
    log = (tmp_path / "job.log").read_text()
    assert "error: mine.csv: no column, expected one" in log and "Traceback" not in log
    assert message_of(tmp_path / "job.log") == "error: mine.csv: no column, expected one"


def test_any_other_error_is_one_line_that_names_the_log_with_the_traceback(tmp_path: Path) -> None:
    done = job(tmp_path, "logging.info('begun'); {}['key']")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"internal error: KeyError: 'key' (traceback in {tmp_path / 'job.log'})"
    ]
    log = (tmp_path / "job.log").read_text()
    assert "begun" in log and "Traceback" in log and "job.py" in log
    assert message_of(tmp_path / "job.log") == done.stderr.strip()


def test_the_last_words_name_each_message_once_with_its_log(tmp_path: Path) -> None:
    logs = []
    for name, lines in {"a": "error: one\ntwo", "b": "error: one\ntwo", "c": "begun"}.items():
        logs.append(tmp_path / f"{name}.log")
        logs[-1].write_text(f"2026-11-30 09:00:00,000 started\n2026-11-30 09:00:01,000 {lines}\n")
    jobs = [("train", [str(log)]) for log in logs] + [("states", [str(tmp_path / "none")])]
    lines = last_words(jobs).splitlines()
    assert lines[:3] == ["failed: 4 jobs", "error: one", "two"]
    assert lines[3] == f"    rule train, log: {logs[0]} (and 1 job with the same message)"
    assert lines[4].startswith("no message: the job was killed") and len(lines) == 6


def test_a_job_that_succeeds_says_nothing_but_in_its_log(tmp_path: Path) -> None:
    done = job(tmp_path, "logging.info('begun')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "begun" in (tmp_path / "job.log").read_text()


@pytest.mark.parametrize("first", ["snakemake = None", ""])
def test_a_job_and_nobody_else_imports_without_looking_for_garbage(
    tmp_path: Path, first: str
) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        f"{first}\nimport gc, sys\nfrom attinfo.runtime.job import job\n"
        "was = gc.isenabled()\n"
        "with job(sys.argv[1]):\n    print(was, gc.isenabled())\n"
    )
    done = python(script, tmp_path / "job.log")
    assert done.stdout == f"{not first} True\n"


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not the GNU C library")
@pytest.mark.parametrize("kept", [True, False])
def test_memory_that_is_kept_is_not_asked_for_again(kept: bool) -> None:
    program = (
        "from resource import RUSAGE_SELF, getrusage\n"
        "from attinfo.runtime.job import keep_freed_memory\n"
        f"if {kept}:\n    keep_freed_memory()\n"
        "for _ in range(3):\n"
        "    before = getrusage(RUSAGE_SELF).ru_minflt\n"
        "    held = b'x' * 40_000_000\n"
        "    del held\n"
        "print(getrusage(RUSAGE_SELF).ru_minflt - before)\n"
    )
    done = python("-c", program)
    faults = int(done.stdout)
    assert faults < 5 if kept else faults > 15  # of pages that may be large


def test_a_job_tells_the_cpu_time_of_its_imports_and_of_all_of_it(tmp_path: Path) -> None:
    job(tmp_path, "sum(range(10**7))")
    log = (tmp_path / "job.log").read_text()
    imports, whole_job = map(float, re.findall(r"(?:in|after) ([\d.]+) s of CPU$", log, re.M))
    assert 0 < imports < whole_job


def test_a_job_ends_at_once_and_what_it_has_printed_is_not_lost(tmp_path: Path) -> None:
    # What Python would do last (and torch takes long over) is left out.
    body = "import atexit; atexit.register(print, 'tidied up'); print('x' * 100_000)"
    done = job(tmp_path, body)
    assert (done.returncode, done.stdout.strip()) == (0, "x" * 100_000)


def test_an_unknown_name_is_refused_with_the_nearest_known_one() -> None:
    known = ["additive", "deep"]
    near = "unknown attention 'aditive': did you mean 'additive'? (known: additive, deep)"
    assert unknown("attention", "aditive", known) == near
    assert unknown("attention", "x", known) == "unknown attention 'x': (known: additive, deep)"


# Provenance.


def files_of(script: str) -> set[str]:
    library = LIBRARY.resolve()
    return {
        str(path.relative_to(library)) if library in path.parents else path.name
        for path in map(Path, (os.path.realpath(p) for p in sources(SCRIPTS / script)))
    }


def test_a_job_depends_on_what_it_imports_directly_or_not_and_on_nothing_else() -> None:
    train = files_of("train.py")
    assert {"train.py", "training/train.py", "models/classifier.py", "models/__init__.py"} <= train
    assert not {file for file in train if "/encoders/" in file or "/scorers/" in file}
    assert "data/batches.py" in train and "runtime/seeds.py" in train
    assert not train & {
        "agreement.py",
        "information/estimators/linear.py",
        "claims.py",
        "figures.py",
    }
    figures = files_of("figures.py")
    assert "figures.py" in figures
    assert not figures & {"training/train.py", "models/classifier.py"}
    information = files_of("information.py")
    assert {"information/units.py", "information/summary.py", "states/store.py"} <= information
    assert not information & {"training/train.py", "models/classifier.py", "agreement.py"}
    assert not {file for file in information if "/estimators/knn" in file}  # loaded by its name


@pytest.mark.parametrize("script", ["train.py", "information.py", "claims.py"])
def test_no_import_of_a_script_escapes_its_sources(script: str) -> None:
    found = sources(SCRIPTS / script)
    lines = [
        line.strip()
        for line in (SCRIPTS / script).read_text("utf-8").splitlines()
        if line.startswith(("from ", "import "))
    ]
    code = "\n".join(
        [
            "import sys",
            *lines,
            "print('\\n'.join(m.__file__ for n, m in list(sys.modules.items())"
            " if n.split('.')[0] == 'attinfo'))",
        ]
    )
    done = python("-c", code)
    executed = {os.path.realpath(path) for path in done.stdout.splitlines()}
    assert executed
    assert executed <= {os.path.realpath(path) for path in found}


def test_the_digest_changes_with_the_content_of_a_file_and_with_nothing_else(
    tmp_path: Path,
) -> None:
    copied = tmp_path / "copy.py"
    shutil.copyfile(LIBRARY / "runtime/seeds.py", copied)
    before = digest([str(copied)])
    assert before == digest([str(LIBRARY / "runtime/seeds.py")])
    os.utime(copied, (0, 0))
    assert digest([str(copied)]) == before
    copied.write_text(copied.read_text() + "\n# changed\n")
    assert digest([str(copied)]) != before


def test_the_code_of_a_job_is_one_digest_for_each_folder_that_it_imports_from() -> None:
    train = code(SCRIPTS / "train.py")
    assert {"script", "config", "data", "models", "runtime", "training"} <= train.keys()
    assert not train.keys() & {"agreement", "information", "figures", "report"}
    assert all(re.fullmatch("[0-9a-f]{12}", value) for value in train.values())
    own = [path for path in sources(SCRIPTS / "train.py") if "/attinfo/training/" in path]
    assert train["training"] == digest(own)[:12]


def test_code_that_a_job_loads_by_name_counts_with_all_that_it_imports() -> None:
    claims = set(sources(SCRIPTS / "claims.py"))
    more = set(sources(SCRIPTS / "claims.py", ["attinfo.models.scorers.additive"]))
    assert {Path(path).name for path in more - claims} >= {"additive.py"}
    templates = set(sources(SCRIPTS / "claims.py", ["attinfo.report.templates"])) - claims
    assert {Path(path).suffix for path in templates} >= {".j2", ".css", ".js"}
    with pytest.raises(ModuleNotFoundError, match=r"no module .*aditive"):
        sources(SCRIPTS / "claims.py", ["attinfo.models.scorers.aditive"])


def test_a_run_is_described_by_code_versions_and_machine() -> None:
    digests = code(SCRIPTS / "train.py")
    record = describe(digests, ("torch", "numpy"))
    assert record["code_sha256"] == fingerprint(digests)
    assert set(record["versions"]) == {"torch", "numpy"}
    assert record["python"] == ".".join(map(str, sys.version_info[:3]))


def test_seeds_for_other_uses_are_other_seeds_and_the_same_on_every_machine() -> None:
    assert seed_of("order", 1) == int(sha256(b"('order', 1)").hexdigest()[:14], 16)
    keys = [("order", 1), ("order", 2), ("noise", 1), ("order", 1, 1), ("order", "1")]
    assert len({seed_of(*key) for key in keys}) == len(keys)
    assert all(0 <= seed_of(*key) < 2**56 for key in keys)


# Cost.


def test_the_cost_table_lists_rules_by_total_seconds(tmp_path: Path) -> None:
    jobs = {
        "train/mlp/1": (10.0, "200.5"),
        "train/mlp/2": (30.0, "300.0"),
        "claims/claims": (50.0, "NA"),
        "prepare/mine": (0.5, "-"),
    }
    for name, (seconds, memory) in jobs.items():
        file = tmp_path / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{memory}\n")
    header, *rows = [line.split() for line in slowest_rules(tmp_path).splitlines()]
    assert header[:3] == ["rule", "jobs", "seconds"]
    assert rows == [
        ["claims", "1", "50.0", "50.0", "0"],
        ["train", "2", "40.0", "30.0", "300"],
        ["prepare", "1", "0.5", "0.5", "0"],
    ]


def test_a_study_without_jobs_has_an_empty_cost_table(tmp_path: Path) -> None:
    assert len(slowest_rules(tmp_path).splitlines()) == 1
