"""Run the benchmarks, or compare their results with those of an earlier run.

python -m benchmarks [--quick]
python -m benchmarks --compare benchmarks/baseline.json
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
import json
import os
from pathlib import Path
import platform
import sys
import time
from typing import Any

from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError
from benchmarks.compare import stored, worsened

TOPICS = {
    "neighbours": "Nearest neighbours",
    "linear": "Linear probe",
    "stack": "Stack",
    "training": "Training",
    "states": "Hidden states on disk",
    "erasure": "Normalised AOPC",
    "explainers": "Importance of words in a transformer",
}
PARTS = (*TOPICS, "accuracy", "memory", "pipeline")
PEERS = (
    *("npeet-plus", "ennemi", "infomeasure", "infopy-estimators", "scikit-learn", "torch-mist"),
    *("aopc", "interpreto", "torch", "numba"),
)


def arguments() -> Namespace:
    """Parse the command line."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, as a check")
    parser.add_argument("--patient", action="store_true", help="slow packages on 16,000 texts too")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only these parts")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--compare", metavar="BASELINE", help="compare results with this file")
    return parser.parse_args()


def parts(given: Namespace) -> dict[str, Callable[[], Iterable[Any]]]:
    """The function that measures each part.

    A part in TOPICS yields rows of `timing.measure`. The other parts have tables of their own.
    """
    from benchmarks import (
        accuracy,
        erasure,
        explainers,
        information,
        memory,
        pipeline,
        storage,
        training,
    )

    return {
        "neighbours": lambda: information.neighbours(given.quick, given.patient, given.threads),
        "linear": lambda: information.linear(given.quick),
        "stack": lambda: information.stack(given.quick),
        "training": lambda: training.rows(given.quick),
        "states": lambda: storage.rows(given.quick),
        "erasure": lambda: erasure.rows(given.quick),
        "explainers": lambda: explainers.rows(given.quick),
        "accuracy": lambda: accuracy.table(given.quick).to_dict("records"),
        "memory": lambda: memory.table(given.quick),
        "pipeline": lambda: pipeline.lines(given.quick, given.threads),
    }


def measured(given: Namespace) -> dict[str, Any]:
    """Measure all parts, or those in `given.only`; the others are read from the last run.

    benchmarks.json is written after each part, so that a part that fails loses no other.

    Returns:
        The content of benchmarks.json.

    Raises:
        InputError: `given.only` is set and the results of the last run cannot be read.
    """
    from benchmarks.timing import use_threads

    start, file = time.perf_counter(), given.results / "benchmarks.json"
    result = stored(file) if given.only else {"rows": []}
    before = result.get("seconds", 0)
    use_threads(1)
    for name, measure in parts(given).items():
        if given.only and name not in given.only:
            continue
        found = []
        for row in measure():
            found.append(row)
            print(f"{time.perf_counter() - start:6.0f} s  {name} {_summary(row)}", flush=True)
        if name in TOPICS:
            found += [row for row in result["rows"] if row["topic"] != name]
            result["rows"] = sorted(found, key=lambda row: list(TOPICS).index(row["topic"]))
        else:
            result[name] = found
        result |= {
            "date": datetime.now(UTC).date().isoformat(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[2],
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            "versions": {peer: version(peer) for peer in PEERS},
            "seconds": round(time.perf_counter() - start) + before,
            "quick": given.quick,
        }
        with whole(file) as path:
            path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def missing(result: dict[str, Any]) -> list[str]:
    """The parts that were never measured."""
    done = {row["topic"] for row in result["rows"]} | result.keys()
    return [name for name in PARTS if name not in done]


def _summary(row: Any) -> str:
    """A row of a speed table in one line; empty for other rows."""
    if isinstance(row, dict) and "ratio" in row:
        return f"{row['work']} / {row['against']}, {row['size']}: {row['ratio']:.3g}"
    return ""


def document(result: dict[str, Any]) -> str:
    """The results as a page in Markdown."""
    import pandas as pd

    from benchmarks import tables

    packages = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    rows = {name: [r for r in result["rows"] if r["topic"] == name] for name in TOPICS}
    parts = [
        "# Benchmarks",
        f"{result['date']}, {result['cores']} cores ({result['machine']}), load average "
        f"{result['load']:.1f}, {result['seconds'] / 60:.0f} minutes. {packages}.",
        "Both programs of a comparison may use the same number of threads. The search trees of "
        "other packages always use one. The programs run in turn. The ratio of their times is the "
        "median over repetitions, with the smallest and the largest ratio in brackets. It is "
        "the time of the other program divided by ours. Where the target has ≤, it is our "
        "time divided by that of the other program.",
        *(f"## {TOPICS[name]}\n\n{tables.speed(own)}" for name, own in rows.items()),
        "## Accuracy\n\nBias ± standard deviation over data sets, in nats, for the largest number "
        "of texts. The true information is 0.2 nats, or 0.46 nats where the boundary between the "
        "classes is curved (bowl, saddle, wave, ring).\n\n"
        + tables.accuracy(pd.DataFrame(result["accuracy"])),
        f"## Memory\n\n{tables.memory(result['memory'])}",
        "## Studies\n\nThe time of the default study by rule, the time of its cores by kind of "
        "work, and the time of small studies with ten seeds for each cell.\n\n"
        + "\n".join(result["pipeline"]),
    ]
    return "\n\n".join(parts) + "\n"


def run(given: Namespace) -> None:
    """Measure, and write benchmarks.json, benchmarks.md and the figures.

    Raises:
        SystemExit: two programs that must agree gave different answers.
        InputError: a part was never measured.
    """
    from benchmarks import tables  # before the measurements, so that an import error shows at once

    result = measured(given)
    if left := missing(result):
        raise InputError(
            f"{given.results / 'benchmarks.json'} lacks {', '.join(left)}, expected all parts: "
            f"measure them with --only {' '.join(left)}"
        )
    with whole(given.results / "benchmarks.md") as path:
        path.write_text(document(result), encoding="utf-8")
    tables.draw(result, given.results)
    print(given.results / "benchmarks.md")
    wrong = [
        f"{row['work']} and {row['against']}" for row in result["rows"] if row["equal"] is False
    ]
    if wrong:
        sys.exit(f"error: answers differ: {'; '.join(wrong)}")


def compare(given: Namespace) -> None:
    """Print the ratios that are worse than in a stored run.

    Raises:
        SystemExit: always; the status is 1 if a ratio is worse.
        InputError: a file cannot be used.
    """
    lines, count = worsened(given.results / "benchmarks.json", given.compare)
    print("\n".join([*lines, f"{len(lines)} of {count} ratios worsened by more than a fifth"]))
    sys.exit(bool(lines))


if __name__ == "__main__":
    options = arguments()
    try:
        compare(options) if options.compare else run(options)
    except InputError as error:
        sys.exit(f"error: {error}")
