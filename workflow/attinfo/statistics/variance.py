"""The variance of a statistic, split over its sources: data set, building blocks, seed."""

import warnings

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from attinfo.keys import CELL

FACTORS = (*CELL, "seed")
COMBINATION = "combination"  # of blocks and data set, beyond the effect of each
RESIDUAL = "residual"  # seeds within a cell
FEW_LEVELS = 5
LABELS = {  # of components whose name is not their label
    "dataset": "data set",
    "attention": "attention scorer",
    COMBINATION: "combination of blocks",
    RESIDUAL: "seeds within a cell",
    "seed": "seed, all cells alike",
}


def _unknown(data: pd.DataFrame) -> dict[str, str]:
    """The components that cannot be estimated, each with the reason."""
    why = {f: "one level only" for f in FACTORS if data[f].nunique() < 2}
    varied = [f for f in FACTORS if f not in why]
    per_cell = data.groupby(list(FACTORS[:-1]))["seed"].nunique()
    if per_cell.max() < 2:
        why[COMBINATION] = "one seed a cell: it is part of the residual"
    elif len([f for f in varied if f != "seed"]) < 2:
        why[COMBINATION] = "cells differ in one block at most"
    return why


def _fit(data: pd.DataFrame, components: list[str]) -> dict[str, float]:
    """Variance components of crossed factors by restricted maximum likelihood."""
    spread = data["value"].std()
    if not components or spread == 0:
        return {RESIDUAL: float(spread**2)} | dict.fromkeys(components, 0.0)
    formula = {c: f"0 + C({c})" for c in components}
    scaled = data.assign(value=(data["value"] - data["value"].mean()) / spread)
    model = MixedLM.from_formula(
        "value ~ 1", scaled, groups=np.ones(len(scaled)), re_formula="0", vc_formula=formula
    )
    with warnings.catch_warnings():
        # statsmodels warns where a component is 0, which is a valid estimate.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            # Gradient searches stop short of the optimum where a component is near 0.
            found = model.fit(reml=True, method="powell")
        except np.linalg.LinAlgError:
            # A component became exactly 0, so the smallest one is set to 0 and left out.
            least = min(components, key=lambda c: data.groupby(c)["value"].mean().var())
            rest = [c for c in components if c != least]
            return {least: 0.0} | _fit(data, rest)
    names = model.exog_vc.names
    parts = {name: float(v) for name, v in zip(names, found.vcomp, strict=True)}
    return {c: parts[c] * spread**2 for c in components} | {RESIDUAL: found.scale * spread**2}


def decompose(runs: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """Make the rows of `variance.csv`: the variance of a statistic over trained runs, by source.

    The model has crossed random effects and is fitted by restricted maximum likelihood. A component
    is the variance between the levels of a factor. `combination` is what a cell has beyond its
    factors, `seed` what a seed adds to all cells, `residual` the variance of seeds within cells.
    The estimate of a component with few levels is rough, which its note says.

    Args:
        runs: one row per run.
        statistic: a column of `runs`. Runs in which it is NaN are left out and counted.

    Returns:
        `statistic`, `component`, `levels`, `runs`, `excluded`, `variance`, `sd`, `share`, `note`. A
        component that the study cannot estimate is NaN, and its note says why.
    """
    trained = runs[runs["variant"] == "trained"]
    data = trained[[*FACTORS, statistic]].rename(columns={statistic: "value"}).dropna()
    data[COMBINATION] = data.groupby(list(FACTORS[:-1])).ngroup()
    why = _unknown(data) if len(data) else dict.fromkeys([*FACTORS, COMBINATION], "no runs")
    estimable = [c for c in (*FACTORS, COMBINATION) if c not in why]
    parts: dict[str, float] = {}
    if len(data) > 1 + len(estimable):
        parts = _fit(data, estimable)
    else:
        why = {c: why.get(c, "too few runs") for c in (*FACTORS, COMBINATION, RESIDUAL)}
    total = sum(parts.values())
    rows = []
    for component in (*FACTORS, COMBINATION, RESIDUAL):
        levels = data[component].nunique() if component != RESIDUAL else len(data)
        note = why.get(component, "")
        if not note and levels < FEW_LEVELS:
            note = f"{levels} levels: rough"
        variance = parts.get(component, np.nan)
        rows.append(
            {
                "statistic": statistic,
                "component": component,
                "levels": levels,
                "runs": len(data),
                "excluded": len(trained) - len(data),
                "variance": variance,
                "sd": np.sqrt(variance),
                "share": variance / total if total > 0 else np.nan,
                "note": note,
            }
        )
    return pd.DataFrame(rows)
