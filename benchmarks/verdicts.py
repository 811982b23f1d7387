"""What verdicts are worth: false alarms and power of each conclusion at 3, 5 and 10 seeds.

Studies are simulated at the level of the tables of texts, with the variance over seeds that the
default study has (see tests/simulate.py), or that of a `runs.csv`:

    python -m benchmarks.verdicts [--studies 200] [--tau 0.05] [--runs results/default/runs.csv]
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
import sys

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from simulate import CLAIMS, SEEN, Spread, simulated_claims

SEEDS = (3, 5, 10)
STATISTICS = {
    "information": "information_position",
    "tau": "tau_gain",
    "rise": "concordance_rise",
    "entropy": "entropy_ratio",
}
HEAD = (
    "| seeds | conclusion | p < 0.05, no effect | called, no effect | effect | called | MDE |\n"
    "|---|---|---|---|---|---|---|"
)


def spread_in(path: str) -> Spread:
    """Standard deviations over the seeds of a cell, averaged over trained cells."""
    runs = pd.read_csv(path).query("variant == 'trained'")
    cells = runs.groupby(["dataset", "encoder", "attention", "normaliser"])
    over_seeds = {
        name: float(np.sqrt(cells[statistic].var().mean()))
        for name, statistic in STATISTICS.items()
    }
    return Spread(**{name: (sd, getattr(Spread(), name)[1]) for name, sd in over_seeds.items()})


def lines(studies: int, spread: Spread, each: Sequence[int] = SEEDS) -> Iterator[str]:
    """The rows of the table in Markdown, for each number of seeds."""
    for seeds in each:
        null = simulated_claims({}, seeds, studies, spread)
        real = simulated_claims(SEEN, seeds, studies, spread)
        null, real = (claims[claims["role"] == "primary"] for claims in (null, real))
        for claim in CLAIMS:
            effect, nothing, something = SEEN[claim], null.loc[claim], real.loc[claim]
            right = "supported" if effect > 0 else "contradicted"
            shares = (
                f"{(nothing['p'] < 0.05).mean():.1%}",
                f"{(nothing['verdict'] != 'undetermined').mean():.1%}",
                f"{effect:+.3f}",
                f"{(something['verdict'] == right).mean():.0%}",
                f"{something['mde'].median():.3f}",
            )
            yield f"| {seeds} | ({claim}) | {' | '.join(shares)} |"


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--tau", type=float, help="SD of tau over seeds, instead")
    parser.add_argument("--runs", help="a runs.csv to take the SDs over seeds from")
    given = parser.parse_args()
    spread = spread_in(given.runs) if given.runs else Spread()
    if given.tau:
        spread = spread._replace(tau=(given.tau, spread.tau[1]))
    sds = ", ".join(f"{name} {sd:.3f}" for name, (sd, _) in spread._asdict().items())
    print(f"{given.studies} studies a row; SD of a run over seeds: {sds}\n\n{HEAD}")
    for line in lines(given.studies, spread, given.seeds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
