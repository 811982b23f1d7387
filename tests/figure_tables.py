"""Tables of studies that were never run, of any size, for drawing figures from."""

from itertools import pairwise, product
import json
from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.claims.across_data_sets import PROPERTIES, across, moderators
from attinfo.claims.compared import COMPARED
from attinfo.claims.conclusions import CONCLUSIONS, CONTRASTS
from attinfo.claims.run_statistics import STATISTICS
from attinfo.figures.distributions import COLUMNS, LARGEST, TAU
from attinfo.figures.tables import CSV, PARQUET, Tables
from attinfo.keys import GROUP, RUN
from attinfo.labels import label_of

ORDERINGS = ["attention", "information", "gradient", "leave_one_out"]
ESTIMATORS = ["linear", "knn"]
POSITIVE = ("entropy_ratio", "max_weight", "gini", "accuracy", "information", "concordance")


def simulated(
    datasets=("reviews",),
    encoders=("bilstm", "cnn", "mlp"),
    attentions=("additive", "deep", "scaled_dot"),
    normalisers=("softmax", "gumbel_softmax@0.5", "softmax@0.5"),
    variants=("frozen_scorer", "uniform", "permuted", "adversarial"),
    seeds=3,
    units=10,
    random=0,
) -> Tables:
    """Tables of a study of trained cells, and the variants of those of the first encoder."""
    rng = np.random.default_rng(random)
    cells = [(*c, "trained") for c in product(datasets, encoders, attentions, normalisers)]
    cells += [
        (d, encoders[0], a, normalisers[0], v)
        for d, a, v in product(datasets, attentions, variants)
    ]
    runs = pd.DataFrame([(*c, s) for c in cells for s in range(1, seeds + 1)], columns=RUN)
    numbers = {}
    for name in STATISTICS:
        base = 0.6 if name.startswith(POSITIVE) else 0.1
        of_cell = rng.normal(base, 0.12, len(cells)).repeat(seeds)
        numbers[name] = np.clip(of_cell + rng.normal(0, 0.03, len(runs)), -1, 0.99)
    runs = pd.concat([runs, pd.DataFrame(numbers)], axis=1)
    uniform = runs["variant"] == "uniform"
    runs.loc[uniform, [f"tau_{m}" for m in COMPARED]] = np.nan
    claims = _claims(rng, datasets)
    described = pd.DataFrame({"dataset": datasets} | {p: range(len(datasets)) for p in PROPERTIES})
    return Tables(
        claims=claims,
        specifications=_specifications(rng, encoders, normalisers, datasets),
        across=across(claims, 0.95),
        moderators=moderators(claims, described),
        cells=_cells(runs),
        runs=runs,
        calibration=_calibration(rng, datasets),
        variance=_variance(rng, len(runs)),
        ranks=_ranks(runs),
        learning=_learning(rng, runs),
        information=_information(rng, runs, units),
        distributions=_distributions(rng, runs),
    )


def _cells(runs: pd.DataFrame) -> pd.DataFrame:
    long = runs.melt(RUN, list(STATISTICS), "statistic", "value")
    groups = long.groupby([*GROUP, "statistic"], sort=False)["value"]
    table = groups.agg(estimate="mean", spread="std", seeds="size").reset_index()
    half = 2 * table.pop("spread").fillna(0.02)
    return table.assign(ci_low=table["estimate"] - half, ci_high=table["estimate"] + half)


def _claims(rng: np.random.Generator, datasets) -> pd.DataFrame:
    verdicts = ["supported", "contradicted", "undetermined"]
    rows = []
    for contrast in CONTRASTS:
        for dataset in ("all", *(datasets if len(datasets) > 1 else ())):
            effect, half = rng.normal(0, 0.2), rng.uniform(0.02, 0.2)
            verdict = verdicts[2 if abs(effect) < half else int(effect < 0)]
            rows.append(
                {
                    "claim": contrast.claim,
                    "role": contrast.role,
                    "dataset": dataset,
                    "contrast": contrast.statement,
                    "statistic": contrast.statistic,
                    "n": 3,
                    "datasets": 1,
                    "estimate": effect,
                    "ci_low": effect - half,
                    "ci_high": effect + half,
                    "se_seeds": half / 3,
                    "se_texts": half / 3,
                    "margin": np.nan if contrast.margin is None else contrast.margin,
                    "p_holm": 0.01 if verdict != "undetermined" else 0.4,
                    "p_bh": 0.01,
                    "verdict": verdict,
                }
            )
    return pd.DataFrame(rows)


def _specifications(rng: np.random.Generator, encoders, normalisers, datasets) -> pd.DataFrame:
    models = ["all", *(f"encoder {label_of(name)}" for name in encoders * (len(encoders) > 1))]
    models += [f"normaliser {label_of(name)}" for name in normalisers * (len(normalisers) > 1)]
    names = ["all", *(label_of(name) for name in datasets * (len(datasets) > 1))]
    rows = [
        {"claim": own.numeral, **dict(one.choices), "runs": "all", "models": of, "data set": name}
        for own in CONCLUSIONS.values()
        for one in own.specifications
        for of, name in product(models, names)
    ]
    table = pd.DataFrame(rows)
    effect, half = rng.normal(0.1, 0.15, len(table)), rng.uniform(0.02, 0.3, len(table))
    table = table.assign(n=3, estimate=effect, ci_low=effect - half, ci_high=effect + half, p=0.5)
    first = np.sign(table.groupby("claim")["estimate"].transform("first"))
    return table.assign(same_sign=np.sign(effect) == first, called=np.abs(effect) > half)


def _calibration(rng: np.random.Generator, datasets) -> pd.DataFrame:
    tasks = ["gaussian", "imbalanced", "ten_classes", "low_variance", "xor", "spirals", "atoms"]
    settings = product(
        datasets, [*ESTIMATORS, "stack"], tasks, [50, 300, 1000], [4, 16], [0.1, 0.5]
    )
    columns = ["dataset", "estimator", "task", "n", "rank", "level"]
    table = pd.DataFrame(list(settings), columns=columns)
    bias = rng.normal(-0.02, 0.03, len(table)) - 12 / table["n"] * (rng.random(len(table)) < 0.1)
    truth = table["level"] * np.log(2)
    return table.assign(truth=truth, estimate=truth + bias, bias=bias, spread=0.02)


def _variance(rng: np.random.Generator, runs: int) -> pd.DataFrame:
    parts = ["dataset", "encoder", "attention", "normaliser", "seed", "combination", "residual"]
    rows = list(product(["tau_gain", "information_position"], parts))
    table = pd.DataFrame(rows, columns=["statistic", "component"])
    table["sd"] = rng.uniform(0, 0.1, len(table))
    share = table["sd"] ** 2
    table["share"] = share / share.groupby(table["statistic"]).transform("sum")
    return table.assign(levels=3, runs=runs, note="3 levels: rough")


def _ranks(runs: pd.DataFrame) -> pd.DataFrame:
    own = runs[runs["variant"] == "trained"]
    table = own.groupby(GROUP[:-1], sort=False)["tau_gain"].agg(["mean", "size"]).reset_index()
    table = table.rename(columns={"mean": "estimate", "size": "seeds"})
    parts = []
    for _, part in table.groupby("dataset", sort=False):
        rank = part["estimate"].rank(ascending=False).astype(int)
        count = len(part)
        ends = {"rank_low": (rank - 3).clip(1), "rank_high": (rank + 3).clip(upper=count)}
        parts.append(part.assign(rank=rank, **ends, cells=count, note="", statistic="tau_gain"))
    return pd.concat(parts, ignore_index=True)


def _learning(rng: np.random.Generator, runs: pd.DataFrame) -> pd.DataFrame:
    """Losses that fall and, on the dev split, rise again; the lowest one is kept."""
    epochs = rng.integers(8, 14, len(runs))
    table = runs[RUN].iloc[np.repeat(np.arange(len(runs)), epochs)].reset_index(drop=True)
    epoch = np.concatenate([np.arange(1, n + 1) for n in epochs])
    noise = rng.normal(0, 0.01, (2, len(table)))
    dev = 0.55 + 0.01 * (epoch - 4) ** 2 / 2 + noise[0]
    table = table.assign(epoch=epoch, train_loss=0.7 * 0.8**epoch + noise[1], dev_loss=dev)
    lowest = table.groupby(RUN, sort=False)["dev_loss"].transform("min")
    return table.assign(dev_accuracy=0.7, kept=table["dev_loss"] == lowest)


def _information(rng: np.random.Generator, runs: pd.DataFrame, units: int) -> pd.DataFrame:
    keys = product(range(len(runs)), ["position", "rank"], ESTIMATORS, range(units))
    row, index, estimator, unit = zip(*keys, strict=True)
    table = runs[RUN].iloc[list(row)].reset_index(drop=True)
    unit = np.array(unit)
    falls = np.where(np.array(index) == "rank", 0.03, 0.0) * unit
    return table.assign(
        index=index,
        estimator=estimator,
        unit=unit,
        n=700,
        mi_nats=np.clip(0.4 - falls + rng.normal(0, 0.03, len(table)), -0.02, 0.69),
        h_output=0.69,
        floor_upper=0.02,
        spot_check=False,
    )


def _distributions(rng: np.random.Generator, runs: pd.DataFrame) -> pd.DataFrame:
    bumps = np.exp(-(((np.arange(20) - 11) / 3) ** 2) / 2)
    bumps /= bumps.sum()
    rows = []
    for place, run in enumerate(runs[RUN].to_dict("records")):
        shape = np.roll(bumps, rng.integers(-4, 4))
        own = [
            ("tau_gain", group, low, high, int(n), n / 400)
            for group in ("negative", "positive")
            for low, high, n in zip(TAU, TAU[1:], rng.multinomial(400, shape), strict=False)
        ]
        group = "seeds" if run["variant"] == "trained" else "trained"
        others = run["variant"] != "trained" or runs["seed"].nunique() > 1
        if others:
            own += [(q, group, np.nan, np.nan, 800, rng.uniform(0, 0.6)) for q in ("jsd", "tvd")]
        bins = list(pairwise(LARGEST))
        if run["variant"] == "trained" and others:
            own += [("seed_divergence", "", *b, 200, rng.uniform(0, 0.4)) for b in bins]
        if run["variant"] == "permuted":
            own += [("output_change", "", *b, 200, rng.uniform(0, 0.4)) for b in bins]
        own += [("entropy_ratio_afterwards", "0.5", np.nan, np.nan, 800, rng.uniform(0.3, 0.7))]
        own += [
            (kind, ordering, np.nan, np.nan, 300, sign * rng.uniform(0, 0.3))
            for kind, sign in (("comprehensiveness", 1), ("sufficiency", -1))
            for ordering in ORDERINGS
        ]
        rows += [(place, *one) for one in own]
    table = pd.DataFrame(rows, columns=["place", *COLUMNS])
    keys = runs[RUN].iloc[table.pop("place")].reset_index(drop=True)
    return pd.concat([keys, table], axis=1)


def write_study(folder: Path, tables: Tables, name: str = "simulated") -> Path:
    """The tables in a folder, as a finished study has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in CSV:
        getattr(tables, table).to_csv(folder / f"{table}.csv", index=False)
    for table in PARQUET:
        getattr(tables, table).to_parquet(folder / f"{table}.parquet", index=False)
    study = {"study": name, "statistics": {"level": tables.level}}
    (folder / "study.json").write_text(json.dumps(study), "utf-8")
    return folder
