"""The tables of the page, from the tables of the study."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from attinfo.flags import FLAGS
from attinfo.quantities import MEASURES, STATISTICS
from attinfo.style import name_of

KEY = ["dataset", "encoder", "attention", "normaliser"]


def data_table(summaries: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row a data set and split: texts, tokens, classes."""
    return pd.DataFrame(
        [
            {
                "data set": name,
                "split": split,
                "texts": s["texts"],
                "tokens": s["tokens"],
                "median tokens": s["median_tokens"],
                "texts per class": ", ".join(
                    f"{c} {n}" for c, n in zip(summary["classes"], s["class_counts"], strict=True)
                ),
                "unknown words": f"{s['unknown_share']:.1%}",
                "cut texts": f"{s['truncated_share']:.1%}",
                "tokens lost": f"{s['truncated_tokens_share']:.1%}",
                "also in training": summary["duplicates"].get(f"train_{split}", ""),
            }
            for name, summary in summaries.items()
            for split, s in summary["splits"].items()
        ]
    )


def cell_table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row a cell and variant: accuracy, information, agreement and skew."""
    statistics = {
        "accuracy": "test accuracy",
        "information_position": "I/H, by position",
        "information_instance": "I/H, all tokens",
        "tau_gain": "τ-b, gain",
        "tau_pvi": "τ-b, pvi",
        "entropy_ratio": "entropy ratio",
    }
    shown = cells[cells["statistic"].isin(statistics)].copy()
    shown["value"] = [
        "undefined"
        if np.isnan(c.estimate)
        else f"{c.estimate:.3f} [{c.ci_low:.3f}, {c.ci_high:.3f}]"
        for c in shown.itertuples()
    ]
    wide = shown.pivot_table(
        index=[*KEY, "variant"], columns="statistic", values="value", aggfunc="first", sort=False
    )
    wide = wide[list(statistics)].rename(columns=statistics).rename_axis(columns=None).reset_index()
    for block in ("encoder", "attention", "normaliser", "variant"):
        wide[block] = wide[block].map(name_of)
    return wide


def secondary_table(claims: pd.DataFrame) -> pd.DataFrame:
    """Every contrast but the primary ones, and these on single data sets."""
    pooled = claims["dataset"] == "all"
    second = claims[~((claims["role"] == "primary") & pooled) & (claims["n"] > 0)]
    return pd.DataFrame(
        {
            "claim": second["claim"],
            "role": second["role"],
            "data set": second["dataset"],
            "contrast": second["contrast"],
            "seeds": second["n"],
            "effect": second["estimate"].map("{:+.3f}".format),
            "interval": [f"{r.ci_low:+.3f} to {r.ci_high:+.3f}" for r in second.itertuples()],
            "p (Benjamini–Hochberg)": second["p_bh"].map("{:.4f}".format).replace("nan", "–"),
            "verdict": second["verdict"],
        }
    )


def context_table(information: pd.DataFrame) -> pd.DataFrame:
    """A row an encoder: information over all tokens in the word itself, and in its state."""
    told = information[(information["index"] == "instance") & (information["variant"] == "trained")]
    wide = told.pivot_table(
        index="encoder", columns="estimator", values="mi_over_h", aggfunc="mean", sort=False
    )
    shown = pd.DataFrame(
        {
            "in the word alone": wide["token_type"],
            "in its state": wide["linear"],
            "context adds": wide["linear"] - wide["token_type"],
        }
    ).map("{:+.3f}".format)
    return shown.rename(index=name_of).rename_axis(index="I/H, all tokens").reset_index()


def truth_table(information: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """A row a trained cell and decisive token of data with a known truth: found and true."""
    planted = information[
        (information["index"] == "planted") & (information["estimator"] == "linear")
    ]
    planted = planted[planted["variant"] == "trained"]
    rows = []
    for (*cell, unit), own in planted.groupby([*KEY, "unit"], sort=False):
        same = (cells[KEY] == cell).all(axis=1) & (cells["variant"] == "trained")
        told = cells[same].set_index("statistic")["estimate"]
        names = [cell[0], *map(name_of, cell[1:])]
        rows.append(
            dict(zip(("data set", *KEY[1:]), names, strict=True))
            | {
                "decisive token": unit + 1,
                "information about the label, nats": f"{own['mi_nats'].mean():.3f}",
                "in the word": f"{own['truth_alone'].iloc[0]:.3f}",
                "in the text": f"{own['truth_text'].iloc[0]:.3f}",
                "attention finds it": f"{told['hit_attention']:.0%}",
                "gain finds it": f"{told['hit_gain']:.0%}",
            }
        )
    return pd.DataFrame(rows)


def flag_table(information: pd.DataFrame) -> pd.DataFrame:
    """A row a flag: what it means, and how many estimates of each estimator carry it."""
    raised = information["flags"].str.get_dummies(sep=" ").groupby(information["estimator"]).sum()
    total = information["estimator"].value_counts()
    rows = []
    for flag in raised.columns.intersection(list(FLAGS)):
        count = {name_of(e): f"{raised.loc[e, flag]} of {total[e]}" for e in raised.index}
        rows.append({"flag": flag, "means": FLAGS[flag]} | count)
    return pd.DataFrame(rows)


def yardstick_table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row a trained cell: attention against each measure and against people."""
    names = {f"tau_{name}": f"τ-b, {label}" for name, (_, label) in MEASURES.items()}
    names |= {
        "tau_position": "τ-b, position",
        "tau_frequency": "τ-b, frequency",
        "tau_permuted_gain": "τ-b, gain, permuted",
        "plausibility_attention": "rated words by attention",
        "plausibility_gain": "rated words by gain",
        "plausibility_permuted": "rated words, permuted",
        "plausibility_rarity": "rated words by rarity",
    }
    return _by_cell(cells[cells["variant"] == "trained"], names)


def _by_cell(cells: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A row a cell, a column a statistic: its mean over seeds; columns that are all empty go."""
    shown = cells[cells["statistic"].isin(names)].assign(value=lambda t: t["estimate"])
    wide = shown.pivot_table(
        index=KEY, columns="statistic", values="value", aggfunc="first", sort=False
    )
    wide = wide[[name for name in names if name in wide]].rename(columns=names)
    return _named(wide.map("{:+.3f}".format).rename_axis(columns=None).reset_index())


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Building blocks by the names that readers know."""
    blocks = {name: table[name].map(name_of) for name in KEY[1:] if name in table}
    return table.assign(**blocks)


def reliability_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """A row a trained cell: how well rankings within texts repeat over seeds, and what follows."""
    own = agreement[(agreement["index"] == "instance") & (agreement["variant"] == "trained")]
    wanted = {
        ("attention~attention", "seed_reliability"): "attention, seed to seed",
        ("attention~linear_gain", "seed_reliability"): "gain, seed to seed",
        ("attention~linear_gain", "spearman"): "Spearman's ρ of the two",
        ("attention~linear_gain", "disattenuated"): "disattenuated",
    }
    own = own.assign(
        column=[wanted.get(k) for k in zip(own["pair"], own["statistic"], strict=True)]
    )
    wide = own.dropna(subset=["column"]).pivot_table(
        index=KEY, columns="column", values="value", aggfunc="mean", sort=False
    )
    wide = wide[[name for name in wanted.values() if name in wide]]
    return _named(wide.map("{:.3f}".format).rename_axis(columns=None).reset_index())


def unit_table(agreement: pd.DataFrame) -> pd.DataFrame:
    """A row a cell, as trained and with its weights permuted: agreement by position and by rank."""
    wanted = {
        ("position", "attention~linear_mi"): "by position",
        ("position", "permuted~linear_mi"): "by position, permuted",
        ("rank", "attention~linear_mi"): "by rank",
        ("rank", "attention~linear_pvi"): "by rank, mean pvi",
        ("rank", "permuted~linear_pvi"): "by rank, mean pvi, permuted",
    }
    own = agreement[agreement["variant"].isin(["trained", "permuted"])]
    own = own[own["statistic"] == "kendall_b"]
    own = own.assign(column=[wanted.get(k) for k in zip(own["index"], own["pair"], strict=True)])
    wide = own.dropna(subset=["column"]).pivot_table(
        index=[*KEY, "variant"], columns="column", values="value", aggfunc="mean", sort=False
    )
    wide = wide[[name for name in wanted.values() if name in wide]]
    return _named(wide.map("{:+.2f}".format).rename_axis(columns=None).reset_index())


def faithfulness_table(faithfulness: pd.DataFrame) -> pd.DataFrame:
    """A row a kind and an order of deletion: normalised and raw AOPC, mean over trained cells."""
    own = faithfulness[faithfulness["variant"] == "trained"]
    means = own.groupby(["kind", "ordering"], sort=False)
    rows = means[["naopc", "aopc"]].mean().rename(columns={"naopc": "normalised", "aopc": "raw"})
    rows["texts left out"] = means["undefined"].sum()
    shown = rows.reset_index()
    for column in ("normalised", "raw"):
        shown[column] = shown[column].map("{:.3f}".format)
    shown["ordering"] = shown["ordering"].str.replace("_", " ")
    return shown


def published_table(published: pd.DataFrame) -> pd.DataFrame:
    """A row a published number: ours beside it, and what one more run of ours might give."""
    shown = published[KEY].assign(
        measure=published["statistic"].map(lambda name: STATISTICS[name].label),
        published=published["published"].map("{:+.3f}".format),
        ours=[f"{r.ours:+.3f} [{r.ci_low:+.3f}, {r.ci_high:+.3f}]" for r in published.itertuples()],
        **{
            "one more run": [
                f"{r.run_low:+.3f} to {r.run_high:+.3f}" for r in published.itertuples()
            ]
        },
        seeds=published["seeds"],
        within=published["within"].map({True: "yes", False: "no"}).fillna(""),
        source=published["source"],
    )
    return _named(shown.replace("nan", "–", regex=True))


def variance_table(variance: pd.DataFrame) -> pd.DataFrame:
    """A row a source of variance of each statistic."""
    return pd.DataFrame(
        {
            "statistic": variance["statistic"].str.replace("_", " "),
            "source": variance["component"],
            "levels": variance["levels"],
            "standard deviation": variance["sd"].map("{:.3f}".format),
            "share": variance["share"].map("{:.0%}".format),
            "note": variance["note"].fillna(""),
        }
    ).replace({"nan": "–", "nan%": "–"})


def rank_table(ranks: pd.DataFrame) -> pd.DataFrame:
    """A row a trained cell: its rank by agreement with gain, and the interval of the rank."""
    own = ranks[ranks["statistic"] == "tau_gain"].sort_values(["dataset", "rank"])
    return _named(
        own[KEY].assign(
            **{
                "τ-b, gain": own["estimate"].map("{:+.3f}".format),
                "rank": own["rank"],
                "interval": [
                    f"{r.rank_low} to {r.rank_high} of {r.cells}" for r in own.itertuples()
                ],
                "note": own["note"].fillna(""),
            }
        )
    )


def as_html(table: pd.DataFrame) -> str:
    """A table as HTML, text escaped."""
    return table.to_html(index=False, escape=True, border=0, na_rep="")
