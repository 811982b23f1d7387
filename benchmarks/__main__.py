"""Run the benchmarks, or compare two runs of them.

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
}
PARTS = (*TOPICS, "accuracy", "memory", "pipeline")
PEERS = (
    *("npeet-plus", "ennemi", "infomeasure", "infopy-estimators", "scikit-learn", "torch-mist"),
    *("aopc", "torch", "numba"),
)


def arguments() -> Namespace:
    """What the command takes."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--patient", action="store_true", help="slow peers at 16,000 texts, too")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure anew, of a run")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--compare", metavar="BASELINE", help="only compare the results with it")
    return parser.parse_args()


def parts(given: Namespace) -> dict[str, Callable[[], Iterable[Any]]]:
    """What there is to measure; a table of ratios, where TOPICS names it."""
    from benchmarks import (
        accuracy,
        erasure,
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
        "accuracy": lambda: accuracy.table(given.quick).to_dict("records"),
        "memory": lambda: memory.table(given.quick),
        "pipeline": lambda: pipeline.lines(given.quick, given.threads),
    }


def measured(given: Namespace) -> dict[str, Any]:
    """All measurements; with `only`, the others are those of the last run."""
    from benchmarks.timing import use_threads

    start = time.perf_counter()
    result = stored(given.results / "benchmarks.json") if given.only else {"rows": []}
    use_threads(1)
    for name, measure in parts(given).items():
        if given.only and name not in given.only:
            continue
        found = []
        for row in measure():
            found.append(row)
            print(f"{time.perf_counter() - start:6.0f} s  {name} {_told(row)}", flush=True)
        if name in TOPICS:
            found += [row for row in result["rows"] if row["topic"] != name]
            result["rows"] = sorted(found, key=lambda row: list(TOPICS).index(row["topic"]))
        else:
            result[name] = found
    return result | {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[2],
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in PEERS},
        "seconds": round(time.perf_counter() - start) + result.get("seconds", 0),
        "quick": given.quick,
    }


def _told(row: Any) -> str:
    if isinstance(row, dict) and "ratio" in row:
        return f"{row['work']} / {row['against']}, {row['size']}: {row['ratio']:.3g}"
    return ""


def document(result: dict[str, Any]) -> str:
    """What was measured, in Markdown."""
    import pandas as pd

    from benchmarks import tables

    packages = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    rows = {name: [r for r in result["rows"] if r["topic"] == name] for name in TOPICS}
    parts = [
        "# Benchmarks",
        f"{result['date']}, {result['cores']} cores ({result['machine']}), load of the machine "
        f"{result['load']:.1f}, {result['seconds'] / 60:.0f} minutes. {packages}.",
        "Both sides may use as many threads; the trees of the peers use one whatever they may. "
        "A ratio is the median over repetitions in which the calls took turns, with the smallest "
        "and largest. Where lower is better (≤) it is ours to theirs, else theirs to ours.",
        *(f"## {TOPICS[name]}\n\n{tables.speed(own)}" for name, own in rows.items()),
        "## Accuracy\n\nBias ± standard deviation over data sets, nats, where 0.2 are true, and "
        "0.46 where a boundary bends (bowl, saddle, wave, ring), at the most "
        f"texts.\n\n{tables.accuracy(pd.DataFrame(result['accuracy']))}",
        f"## Memory\n\n{tables.memory(result['memory'])}",
        "## Studies\n\nThe default study by rule and by what its cores did; and small studies, of "
        "ten seeds a cell, by number of runs.\n\n" + "\n".join(result["pipeline"]),
    ]
    return "\n\n".join(parts) + "\n"


def run(given: Namespace) -> None:
    """Measure, and write benchmarks.json, benchmarks.md and the figures."""
    from benchmarks import tables  # before minutes of work

    result = measured(given)
    with whole(given.results / "benchmarks.json") as path:
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    with whole(given.results / "benchmarks.md") as path:
        path.write_text(document(result), encoding="utf-8")
    tables.draw(result, given.results)
    print(f"{given.results / 'benchmarks.md'}")
    wrong = [
        f"{row['work']} and {row['against']}" for row in result["rows"] if row["equal"] is False
    ]
    if wrong:
        sys.exit(f"error: answers differ: {'; '.join(wrong)}")


def compare(given: Namespace) -> None:
    """Tell which ratios are worse than in a stored run."""
    lines, count = worsened(given.results / "benchmarks.json", given.compare)
    print("\n".join([*lines, f"{len(lines)} of {count} ratios worsened by more than a fifth"]))
    sys.exit(bool(lines))


if __name__ == "__main__":
    options = arguments()
    try:
        compare(options) if options.compare else run(options)
    except InputError as error:
        sys.exit(f"error: {error}")
