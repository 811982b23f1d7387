"""Where the time of a study went, from the benchmark files of its jobs."""

import csv
from pathlib import Path


def slowest_rules(folder: str | Path) -> str:
    """A text table: rules by total seconds, with jobs, longest job and largest memory.

    Args:
        folder: holds `<rule>/.../*.tsv`, the benchmark files of Snakemake.
    """
    jobs: dict[str, list[tuple[float, float]]] = {}
    for file in sorted(Path(folder).rglob("*.tsv")):
        with file.open(encoding="utf-8", newline="") as opened:
            row = next(csv.DictReader(opened, delimiter="\t"))
        memory = float(row["max_rss"]) if row["max_rss"] not in ("-", "NA") else 0.0
        rule = file.relative_to(folder).parts[0]
        jobs.setdefault(rule, []).append((float(row["s"]), memory))
    lines = [f"{'rule':<14}{'jobs':>6}{'seconds':>10}{'longest':>10}{'MB at most':>12}"]
    for rule, cost in sorted(jobs.items(), key=lambda item: -sum(s for s, _ in item[1])):
        seconds = [s for s, _ in cost]
        lines.append(
            f"{rule:<14}{len(cost):>6}{sum(seconds):>10.1f}{max(seconds):>10.1f}"
            f"{max(m for _, m in cost):>12.0f}"
        )
    return "\n".join(lines)
