"""The comparison of two benchmark runs, and the memory of nearest neighbours."""

from argparse import Namespace
from collections.abc import Iterator
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

from project import ROOT
import pytest

sys.path.insert(0, str(ROOT))

from benchmarks import __main__ as program
from benchmarks import timing
from benchmarks.memory import peak
from benchmarks.pipeline import split
from benchmarks.tables import draw
from benchmarks.timing import interleaved, measure

from attinfo.runtime.errors import InputError


def stored(path: Path, **ratios: float) -> Path:
    """Write a benchmarks.json with ratios; a small ratio is better for `step`, a large one else."""
    rows = [
        measure("speed", work, "another", "n = 9", [ratio], [1.0], lower=True)
        if work == "step"
        else measure("speed", work, "another", "n = 9", [1.0], [ratio])
        for work, ratio in ratios.items()
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    return path


def compared(results: Path, baseline: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--compare", baseline, "--results", results]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_ratio_that_worsened_by_more_than_a_fifth_is_flagged_and_no_other(tmp_path: Path) -> None:
    baseline = stored(tmp_path / "before.json", knn=100, null=50, linear=10, step=1.0)
    stored(tmp_path / "now/benchmarks.json", knn=79, null=42, linear=30, step=1.25)
    done = compared(tmp_path / "now", baseline)
    assert done.returncode == 1
    *lines, last = done.stdout.splitlines()
    assert len(lines) == 2 and last.startswith("2 of 4")
    assert "knn" in lines[0] and "was 100, is 79" in lines[0]
    assert "step" in lines[1]


def test_the_same_ratios_pass(tmp_path: Path) -> None:
    baseline = stored(tmp_path / "before.json", knn=100, step=1.0)
    stored(tmp_path / "now/benchmarks.json", knn=100, step=1.0)
    done = compared(tmp_path / "now", baseline)
    assert done.returncode == 0 and done.stdout.startswith("0 of 2")


@pytest.mark.parametrize(
    "content",
    [None, "", "{}", "[]", '{"rows": [{}]}', '{"rows": []}', '{"rows": 3}', "\0"],
    ids=["missing", "empty", "no rows", "a list", "a row without names", "none", "a number", "NUL"],
)
def test_a_baseline_that_cannot_be_used_is_reported_in_one_line(
    tmp_path: Path, content: str | None
) -> None:
    stored(tmp_path / "now/benchmarks.json", knn=100)
    baseline = tmp_path / "before.json"
    if content is not None:
        baseline.write_text(content, encoding="utf-8")
    done = compared(tmp_path / "now", baseline)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ") and str(baseline) in done.stderr


def test_a_part_that_fails_loses_no_other(tmp_path: Path, monkeypatch: Any) -> None:
    rows = {
        name: measure(name, "ours", "theirs", "n", [1.0], [2.0]) for name in ("linear", "stack")
    }

    def failing() -> Iterator[None]:
        raise ModuleNotFoundError("no such package")
        yield

    monkeypatch.setattr(timing, "use_threads", lambda count: None)
    monkeypatch.setattr(program, "version", lambda name: "1")
    made = {"linear": lambda: [rows["linear"]], "stack": failing}
    monkeypatch.setattr(program, "parts", lambda given: made)
    given = Namespace(only=None, quick=False, results=tmp_path)
    with pytest.raises(ModuleNotFoundError):
        program.run(given)
    made["stack"] = lambda: [rows["stack"]]
    given.only = ["stack"]
    with pytest.raises(InputError, match=r"lacks neighbours, .*: measure them with --only neigh"):
        program.run(given)
    result = json.loads((tmp_path / "benchmarks.json").read_text("utf-8"))
    assert result["rows"] == [rows["linear"], rows["stack"]]


def test_what_was_measured_is_drawn(tmp_path: Path) -> None:
    draw(json.loads((ROOT / "benchmarks/baseline.json").read_text("utf-8")), tmp_path)
    names = {f"{name}.{end}" for name in ("accuracy", "speed", "memory") for end in ("svg", "png")}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_missing_results_are_reported_in_one_line(tmp_path: Path) -> None:
    done = compared(tmp_path / "nowhere", stored(tmp_path / "before.json", knn=100))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_calls_take_turns_and_a_ratio_is_taken_within_each_turn() -> None:
    turns: list[str] = []
    seconds, gave = interleaved(
        {name: lambda name=name: turns.append(name) or name for name in "ab"}, 4
    )
    assert turns == list("abbaabba")
    assert gave == {"a": "a", "b": "b"} and [len(s) for s in seconds.values()] == [4, 4]
    row = measure("topic", "work", "other", "size", [1.0, 2.0, 4.0], [2.0, 6.0, 4.0])
    assert (row["ratio"], row["ratio_min"], row["ratio_max"]) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize("stage", ["knn", "knn, Chebyshev", "knn and null"])
def test_nearest_neighbours_never_hold_all_distances(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    texts = 12_000
    matrix = 4 * texts**2 / 1e6  # megabytes
    assert peak(stage, texts)[1] < matrix / 4


def finished_study(folder: Path, seconds: float) -> tuple[Path, Path]:
    """A study of two jobs with `seconds` each, a quarter of which is start-up; its log has ten."""
    for name in "ab":
        for kind in ("benchmarks", "logs"):
            (folder / f"study/{kind}/none").mkdir(parents=True, exist_ok=True)
        table = folder / f"study/benchmarks/none/{name}.tsv"
        table.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:08\t9\n", "utf-8")
        own = folder / f"study/logs/none/{name}.log"
        own.write_text("10:00 imported in 1.00 s of CPU\nso\n10:05 finished after 4.00 s of CPU\n")
    lines = []
    for job, (start, end) in enumerate([(0, 10), (5, 15)]):
        lines += [f"[Wed Nov 25 08:46:{start:02} 2026]", "rule none:", f"    jobid: {job}"]
        lines += [f"[Wed Nov 25 08:46:{end:02} 2026]", f"Finished jobid: {job} (Rule: none)"]
    log = folder / "log"
    log.write_text("\n".join(lines), "utf-8")
    return folder / "study", log


def test_the_parts_of_a_study_are_all_that_its_cores_had(tmp_path: Path) -> None:
    lines = list(split(*finished_study(tmp_path, 8.0), cores=2))
    printed = dict(line.strip("| ").split(" | ")[:2] for line in lines[-4:])
    assert printed == {
        "useful work": "12",
        "start-up of scripts": "4",
        "Snakemake around them": "4",
        "idle cores": "10",
    }


def test_a_study_that_has_not_run_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no benchmark files"):
        list(split(tmp_path, tmp_path / "log", cores=2))
    study, log = finished_study(tmp_path, 8.0)
    log.write_text("Building DAG of jobs...\n", "utf-8")
    with pytest.raises(InputError, match="no finished job"):
        list(split(study, log, cores=2))
    (study / "logs/none/b.log").write_text("10:00 imported in 1.00 s of CPU\n")
    with pytest.raises(InputError, match=r"b\.log: no CPU time found"):
        list(split(study, log, cores=2))
