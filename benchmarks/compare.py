"""Whether a ratio has worsened: one run's benchmarks.json against another's.

Speeds differ between machines, ratios of calls that took turns hardly do.
"""

import json
from pathlib import Path
from typing import Any

from attinfo.runtime.errors import InputError

WORSE = 1.2  # times
NAMES = ("topic", "work", "against", "size")


def stored(path: str | Path) -> dict[str, Any]:
    """A benchmarks.json.

    Raises
    ------
    InputError
        If there is no such file, or it is none of ours.
    """
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        for row in result["rows"]:
            if not row["ratio"] > 0 or not isinstance(row["lower_is_better"], bool):
                raise ValueError(row["work"])
            _name(row)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected one of `make benchmark`") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{path}: no benchmarks.json ({reason})") from None
    return result


def _name(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in NAMES)


def worsened(now: str | Path, before: str | Path) -> tuple[list[str], int]:
    """A line for each ratio that worsened by more than a fifth; how many could be compared.

    Raises
    ------
    InputError
        If a file cannot be used, or the two have nothing in common.
    """
    new, old = ({_name(row): row for row in stored(path)["rows"]} for path in (now, before))
    shared = [key for key in old if key in new]
    if not shared:
        raise InputError(f"{now} and {before} have no row in common, expected some")
    lines = []
    for key in shared:
        one, other = new[key]["ratio"], old[key]["ratio"]
        times = one / other if old[key]["lower_is_better"] else other / one
        if times > WORSE:
            topic, work, against, size = key
            lines.append(
                f"{topic}: {work} against {against}, {size}: {other:.3g} was, {one:.3g} is "
                f"({times:.2f} times worse)"
            )
    return lines, len(shared)
