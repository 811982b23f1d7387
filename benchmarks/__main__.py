"""Run the benchmarks, or compare two runs of them.

python -m benchmarks [--quick]
python -m benchmarks --compare benchmarks/baseline.json
"""

import os

# A thread that waits does not burn the core that another process could use.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from importlib.metadata import version
import json
from pathlib import Path
import platform
import sys
import time
from typing import Any

from attinfo.errors import InputError
from attinfo.files import whole
from benchmarks.compare import worsened

TOPICS = {
    "neighbours": "Nearest neighbours",
    "linear": "Linear probe",
    "stack": "Stack",
    "training": "Training",
    "states": "Hidden states on disk",
}
PEERS = ("npeet-plus", "ennemi", "infomeasure", "scikit-learn", "torch-mist", "torch", "numba")


def arguments() -> Namespace:
    """What the command takes."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--patient", action="store_true", help="slow peers at 16,000 texts, too")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--compare", metavar="BASELINE", help="only compare the results with it")
    return parser.parse_args()


def measured(given: Namespace) -> dict[str, Any]:
    """All measurements."""
    from benchmarks import accuracy, information, memory, storage, training, verdicts
    from benchmarks.timing import use_threads

    start = time.perf_counter()
    rows: list[dict[str, Any]] = []

    def tell(topic: str) -> None:
        print(f"{time.perf_counter() - start:6.0f} s  {topic}", flush=True)

    for row in information.rows(given.quick, given.patient, given.threads):
        rows.append(row)
        tell(f"{row['work']} / {row['against']}, {row['size']}: {row['ratio']:.3g}")
    use_threads(1)
    for topic in (training, storage):
        for row in topic.rows(given.quick):
            rows.append(row)
            tell(f"{row['work']} / {row['against']}: {row['ratio']:.3g}")
    tell("accuracy")
    accurate = accuracy.table(given.quick)
    tell("memory")
    peaks = list(memory.table(given.quick))
    tell("verdicts")
    studies, seeds = (2, (3,)) if given.quick else (20, (3, 10))
    simulated = list(verdicts.lines(studies, verdicts.Spread(), seeds))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "threads": given.threads,
        "load": os.getloadavg()[1],
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in PEERS},
        "seconds": round(time.perf_counter() - start),
        "quick": given.quick,
        "rows": rows,
        "accuracy": accurate.to_dict("records"),
        "memory": peaks,
        "verdicts": simulated,
    }


def document(result: dict[str, Any]) -> str:
    """What was measured, in Markdown."""
    import pandas as pd

    from benchmarks import tables, verdicts

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
        "## Accuracy\n\nBias ± standard deviation over data sets, nats, where 0.2 are true, at the "
        f"most texts.\n\n{tables.accuracy(pd.DataFrame(result['accuracy']))}",
        f"## Memory\n\n{tables.memory(result['memory'])}",
        "## Verdicts on simulated studies\n\n" + "\n".join([verdicts.HEAD, *result["verdicts"]]),
    ]
    return "\n\n".join(parts) + "\n"


def run(given: Namespace) -> None:
    """Measure, and write benchmarks.json, benchmarks.md and the figures."""
    result = measured(given)
    from benchmarks import tables

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
    try:
        lines, count = worsened(given.results / "benchmarks.json", given.compare)
    except InputError as error:
        sys.exit(f"error: {error}")
    print("\n".join([*lines, f"{len(lines)} of {count} ratios worsened by more than a fifth"]))
    sys.exit(bool(lines))


if __name__ == "__main__":
    options = arguments()
    compare(options) if options.compare else run(options)
