"""How far the estimates of information can be trusted: sentences and tables for the page."""

import pandas as pd

from attinfo.figures.style import name_of
from attinfo.information.flags import FLAGS
from attinfo.report.tables.base import Table
from attinfo.report.tables.results import KEY, named

MORE = 0.05  # of H(output): what a spot check must find beyond linear probes to be counted
UNIT = ["dataset", "encoder", "attention", "normaliser", "variant", "seed", "index", "unit"]


def spot_checks(information: pd.DataFrame) -> list[str]:
    """A sentence for each estimator that checked some units: what it finds beyond `linear`."""
    linear = information[information["estimator"] == "linear"].set_index(UNIT)
    sentences = []
    for name, rows in information[information["spot_check"]].groupby("estimator"):
        checked = rows.set_index(UNIT)
        base = linear.loc[checked.index]
        excess = (checked["mi_nats"] - base["mi_nats"]) / checked["h_output"]
        more = excess > MORE
        sentences.append(
            f"The {name_of(name)} checked {len(checked)} units drawn at random. It finds "
            f"{excess.mean():+.3f} of H(Ŷ) more than linear probes on average "
            f"({excess.min():+.3f} to {excess.max():+.3f}), and over {MORE:g} more in "
            f"{more.sum()} of them."
        )
    return sentences


def reliability(information: pd.DataFrame) -> str:
    """How reliable the orders of units are, and how far extrapolation in n moves an estimate."""
    linear = information["estimator"] == "linear"
    ranked = information[linear & information["index"].isin(["position", "rank"])]
    median = ranked.groupby("index")["ranking_reliability"].median().dropna()
    if median.empty:
        return "This study has too few units in a run to say how reliable their order is."
    moved = (ranked["mi_extrapolated"] - ranked["mi_nats"]) / ranked["h_output"]
    orders = ", ".join(f"{value:.2f} by {index}" for index, value in median.items())
    return (
        f"Linear probes order the units of a run alike in two halves of its texts: median "
        f"reliability {orders}. Extrapolated to infinitely many texts, an estimate moves by "
        f"{moved.median():+.3f} of H(Ŷ) (median)."
    )


def calibration_table(calibration: pd.DataFrame) -> Table:
    """A row an estimator, task and number of texts: what is found of what is there."""
    key = ["dataset", "estimator", "task", "n"]
    means = calibration.assign(bias=calibration["bias"].abs()).groupby(key, sort=False)
    frame = means[["truth", "estimate", "bias", "spread", "pvi_correlation"]].mean().reset_index()
    frame["estimator"] = frame["estimator"].map(name_of)
    frame["task"] = frame["task"].str.replace("_", " ")
    frame = frame.rename(
        columns={
            "n": "texts",
            "truth": "truth, nats",
            "estimate": "estimate, nats",
            "bias": "size of the bias",
            "pvi_correlation": "r of pvi with its truth",
        }
    )
    return Table(
        "calibration-table",
        "The estimators where the truth is known",
        named(frame),
        {
            "truth, nats": ".3f",
            "estimate, nats": ".3f",
            "size of the bias": ".3f",
            "spread": ".3f",
            "r of pvi with its truth": ".2f",
        },
        note="Generated states of the study’s width and numbers of classes and texts, mean over "
        "levels of information and effective ranks. A linear probe cannot find what XOR or "
        "spirals hide: that is what the task is for, not a fault.",
        whole="calibration.csv",
    )


def flag_table(information: pd.DataFrame) -> Table:
    """A row a flag: what it means, and how many estimates of each estimator carry it."""
    raised = information["flags"].str.get_dummies(sep=" ").groupby(information["estimator"]).sum()
    total = information["estimator"].value_counts()
    rows = []
    for flag in raised.columns.intersection(list(FLAGS)):
        share = {name_of(e): raised.loc[e, flag] / total[e] for e in raised.index}
        rows.append({"flag": flag.replace("_", " "), "means": FLAGS[flag]} | share)
    frame = pd.DataFrame(rows, columns=["flag", "means", *map(name_of, raised.index)])
    return Table(
        "flag-table",
        "Flags: share of estimates that carry each",
        frame,
        dict.fromkeys(map(name_of, raised.index), ".1%"),
        note="Each estimate carries its flags; the thresholds are ours.",
        whole="information.parquet",
    )


def context_table(information: pd.DataFrame) -> Table:
    """A row an encoder: information over all tokens in the word itself, and in its state."""
    told = information[(information["index"] == "instance") & (information["variant"] == "trained")]
    wide = told.pivot_table(
        index="encoder", columns="estimator", values="mi_over_h", aggfunc="mean", sort=False
    ).reindex(columns=["token_type", "linear"])
    frame = pd.DataFrame(
        {
            "in the word alone": wide["token_type"],
            "in its state": wide["linear"],
            "context adds": wide["linear"] - wide["token_type"],
        }
    )
    return Table(
        "context-table",
        "What context adds to the word",
        named(frame.reset_index()),
        {"in the word alone": ".3f", "in its state": ".3f", "context adds": "+.3f"},
        note="Information in the word itself (how often texts that hold it have each predicted "
        "class) and in its hidden state, as a share of H(Ŷ), held out, mean over the trained "
        "models.",
        whole="information.parquet",
    )


def truth_table(information: pd.DataFrame, cells: pd.DataFrame) -> Table | None:
    """A row a trained cell and decisive token of data with a known truth: found and true."""
    planted = information[
        (information["index"] == "planted") & (information["estimator"] == "linear")
    ]
    planted = planted[planted["variant"] == "trained"]
    rows = []
    for (*cell, unit), own in planted.groupby([*KEY, "unit"], sort=False):
        same = (cells[KEY] == cell).all(axis=1) & (cells["variant"] == "trained")
        told = cells[same].set_index("statistic")["estimate"]
        rows.append(
            dict(zip(KEY, cell, strict=True))
            | {
                "decisive token": unit + 1,
                "found, nats": own["mi_nats"].mean(),
                "in the word": own["truth_alone"].iloc[0],
                "in the text": own["truth_text"].iloc[0],
                "attention finds it": told["hit_attention"],
                "gain finds it": told["hit_gain"],
            }
        )
    if not rows:
        return None
    return Table(
        "truth-table",
        "Generated texts, whose truth is known",
        named(pd.DataFrame(rows)),
        {
            "found, nats": ".3f",
            "in the word": ".3f",
            "in the text": ".3f",
            "attention finds it": ".0%",
            "gain finds it": ".0%",
        },
        note="Which tokens decide the label is known, and the information in closed form. Found: "
        "estimates by linear probes between a decisive token’s state and the gold label, mean "
        "over seeds; a state of a single word can tell what is in the word, one that has read the "
        "text what is in the text. To the right: the share of texts in which the most attended "
        "token, and that of the largest gain, is a decisive one.",
        whole="information.parquet",
    )
