"""False alarms and power of the verdict on each conclusion, with 3, 5 and 10 seeds.

The studies are simulated: random tables of texts replace trained models (see tests/simulate.py).
The effects and the standard deviations over seeds are those of the default study, from
docs/numbers.json.

    python -m benchmarks.verdicts [--studies 200] [--out docs/findings/verdicts.csv]
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
import csv
import json
from pathlib import Path
import sys
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from simulate import CLAIMS, Spread, simulated_claims  # noqa: E402

SEEDS = (3, 5, 10)


def world() -> tuple[dict[str, float], Spread]:
    """The effect of each claim in the default study, and the standard deviations over seeds."""
    study = json.loads((ROOT / "docs/numbers.json").read_text("utf-8"))["study"]
    effects = {own["claim"]: own["estimate"] for own in study["claims"]}
    between = [p["estimate"] for p in study["parts"] if p["about"] == "between encoders"]
    effects["encoder"] = between[0] - effects["v"]
    sds = {name: (sd, getattr(Spread(), name)[1]) for name, sd in study["spread"].items()}
    return effects, Spread(**sds)


def rows(
    studies: int, effects: dict[str, float], spread: Spread, each: Sequence[int] = SEEDS
) -> Iterator[dict[str, Any]]:
    """A row for each number of seeds and each conclusion, with shares of simulated studies.

    Columns:
        alarm: share of studies without an effect in which the primary p is below 0.05.
        false: share of studies without an effect with a verdict other than `undetermined`.
        effect: effect of the default study.
        called: share of studies with this effect that have the verdict it calls for.
        mde: median of the smallest detectable effect, the column `mde` of `claims.csv`.

    Args:
        studies: number of simulated studies for each number of seeds.
        effects: effect of each claim.
        spread: standard deviations over seeds.
        each: numbers of seeds.
    """
    for seeds in each:
        null, real = (
            claims[claims["role"] == "primary"]
            for claims in (
                simulated_claims({}, seeds, studies, spread),
                simulated_claims(effects, seeds, studies, spread),
            )
        )
        for claim in CLAIMS:
            nothing, something = null.loc[claim], real.loc[claim]
            right = "supported" if effects[claim] > 0 else "contradicted"
            yield {
                "seeds": seeds,
                "claim": claim,
                "studies": studies,
                "alarm": round((nothing["p"] < 0.05).mean(), 4),
                "false": round((nothing["verdict"] != "undetermined").mean(), 4),
                "effect": round(effects[claim], 4),
                "called": round((something["verdict"] == right).mean(), 4),
                "mde": round(something["mde"].median(), 4),
            }


def main() -> None:
    """Print the table, or write it to a file."""
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--out", type=Path, help="write a CSV file instead of printing")
    given = parser.parse_args()
    effects, spread = world()
    found = list(rows(given.studies, effects, spread, given.seeds))
    file = given.out.open("w", encoding="utf-8", newline="") if given.out else sys.stdout
    with file:
        writer = csv.DictWriter(file, found[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main()
