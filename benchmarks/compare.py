"""Compare the ratios of two files benchmarks.json, and list those that became worse.

Ratios are compared, not times. Times differ between machines, but the ratio of two calls that run
in turn on the same machine differs little.
"""

import json
from pathlib import Path
from typing import Any

from attinfo.runtime.errors import InputError

WORSE = 1.2  # a ratio that is worse by a larger factor is listed
NAMES = ("topic", "work", "against", "size")


def stored(path: str | Path) -> dict[str, Any]:
    """Read a benchmarks.json.

    Raises:
        InputError: there is no such file, or its content is not that of a benchmarks.json.
    """
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        for row in result["rows"]:
            if not row["ratio"] > 0 or not isinstance(row["lower_is_better"], bool):
                raise ValueError(row["work"])
            _name(row)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected one from `make benchmark`") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{path}: found {reason}, expected a benchmarks.json") from None
    return result


def _name(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in NAMES)


def worsened(now: str | Path, before: str | Path) -> tuple[list[str], int]:
    """The ratios that became worse by more than a fifth.

    Args:
        now: the newer benchmarks.json.
        before: the older benchmarks.json.

    Returns:
        A line for each ratio that became worse, and the number of ratios compared.

    Raises:
        InputError: a file cannot be used, or the files have no row in common.
    """
    new, old = ({_name(row): row for row in stored(path)["rows"]} for path in (now, before))
    shared = [key for key in old if key in new]
    if not shared:
        raise InputError(f"{now} and {before} have no row in common, expected at least one")
    lines = []
    for key in shared:
        one, other = new[key]["ratio"], old[key]["ratio"]
        times = one / other if old[key]["lower_is_better"] else other / one
        if times > WORSE:
            topic, work, against, size = key
            lines.append(
                f"{topic}: {work} against {against}, {size}: was {other:.3g}, is {one:.3g} "
                f"({times:.2f} times worse)"
            )
    return lines, len(shared)
