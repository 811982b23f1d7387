"""Sentences and tables of the page on the estimates of information and their reliability."""

import pandas as pd

from attinfo.information.flags import FLAGS
from attinfo.keys import CELL, RUN
from attinfo.labels import counted, label_of
from attinfo.report.tables.base import Table, named

MORE = 0.05  # of H(output); a spot check counts if it exceeds linear probes by more
UNIT = [*RUN, "index", "unit"]


def spot_checks(information: pd.DataFrame) -> list[str]:
    """One sentence per estimator of the spot checks: how far it exceeds linear probes."""
    linear = information[information["estimator"] == "linear"].set_index(UNIT)
    sentences = []
    for name, rows in information[information["spot_check"]].groupby("estimator"):
        checked = rows.set_index(UNIT)
        base = linear.loc[checked.index]
        # Numbers have no entropy; their information is in nats.
        entropy, unit = checked["h_output"], "of H(Ŷ)"
        if entropy.isna().all():
            entropy, unit = entropy.fillna(1), "nats"
        excess = (checked["mi_nats"] - base["mi_nats"]) / entropy
        more = int((excess > MORE).sum())
        sentences.append(
            f"As a check, {counted(len(checked), 'unit')} drawn at random were estimated by the "
            f"{label_of(str(name))} too. It differs from linear probes by {excess.mean():+.3f} "
            f"{unit} on average ({excess.min():+.3f} to {excess.max():+.3f}), and exceeds them by "
            f"more than {MORE:g} in {counted(more, 'unit')}."
        )
    return sentences


def reliability(information: pd.DataFrame) -> str:
    """Sentences on the reliability of the order of units, and on extrapolation in n."""
    linear = information["estimator"] == "linear"
    ranked = information[linear & information["index"].isin(["position", "rank"])]
    median = ranked.groupby("index")["ranking_reliability"].median().dropna()
    if median.empty:
        return "Each run of this study has too few units to estimate how reliable their order is."
    moved = (ranked["mi_extrapolated"] - ranked["mi_nats"]) / ranked["h_output"]
    unit = "of H(Ŷ)"
    if moved.isna().all():  # numbers, which have no entropy
        moved, unit = ranked["mi_extrapolated"] - ranked["mi_nats"], "nats"
    orders = ", ".join(f"{value:.2f} by {index}" for index, value in median.items())
    return (
        f"The reliability of the order of a run’s units, estimated from two halves of its texts, "
        f"has a median of {orders}. Extrapolation to infinitely many texts changes an estimate by "
        f"{moved.median():+.3f} {unit} (median)."
    )


def calibration_table(calibration: pd.DataFrame) -> Table:
    """One row per estimator, task and number of texts: the estimate beside the truth."""
    key = ["dataset", "estimator", "task", "n"]
    means = calibration.assign(bias=calibration["bias"].abs()).groupby(key, sort=False)
    frame = means[["truth", "estimate", "bias", "spread", "pvi_correlation"]].mean().reset_index()
    frame["estimator"] = frame["estimator"].map(label_of)
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
        note="Generated states with the study’s width and numbers of classes and texts, mean over "
        "levels of information and effective ranks. No linear probe can use the information of "
        "the tasks xor and spirals, so its estimate should be low there.",
        whole="calibration.csv",
    )


def flag_table(information: pd.DataFrame) -> Table:
    """One row per flag: its meaning, and the share of estimates of each estimator that have it."""
    raised = information["flags"].str.get_dummies(sep=" ").groupby(information["estimator"]).sum()
    total = information["estimator"].value_counts()
    rows = []
    for flag in raised.columns.intersection(list(FLAGS)):
        share = {label_of(e): raised.loc[e, flag] / total[e] for e in raised.index}
        rows.append({"flag": flag.replace("_", " "), "means": FLAGS[flag]} | share)
    frame = pd.DataFrame(rows, columns=["flag", "means", *map(label_of, raised.index)])
    return Table(
        "flag-table",
        "Flags: the share of estimates that have each",
        frame,
        dict.fromkeys(map(label_of, raised.index), ".1%"),
        note="A flag marks an estimate that is less trustworthy. The thresholds are our choice.",
        whole="information.parquet",
    )


def context_table(information: pd.DataFrame) -> Table:
    """One row per encoder: the information over all tokens in the word itself and in its state."""
    own = information[(information["index"] == "instance") & (information["variant"] == "trained")]
    wide = own.pivot_table(
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
        note="Held-out information about the predicted class as a share of H(Ŷ), mean over the "
        "trained models: in the word itself, from the share of each class among texts with the "
        "word, and in its hidden state.",
        whole="information.parquet",
    )


def truth_table(information: pd.DataFrame, cells: pd.DataFrame) -> Table | None:
    """One row per trained cell and decisive token of generated texts: estimate and truth."""
    planted = information[
        (information["index"] == "planted") & (information["estimator"] == "linear")
    ]
    planted = planted[planted["variant"] == "trained"]
    rows = []
    for (*cell, unit), own in planted.groupby([*CELL, "unit"], sort=False):
        same = (cells[CELL] == cell).all(axis=1) & (cells["variant"] == "trained")
        found = cells[same].set_index("statistic")["estimate"]
        rows.append(
            dict(zip(CELL, cell, strict=True))
            | {
                "decisive token": unit + 1,
                "found, nats": own["mi_nats"].mean(),
                "in the word": own["truth_alone"].iloc[0],
                "in the text": own["truth_text"].iloc[0],
                "attention finds it": found["hit_attention"],
                "gain finds it": found["hit_gain"],
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
        note="The tokens that decide the label are known, and their information has a closed form. "
        "Found: estimates by linear probes of the information between the state of a decisive "
        "token and the gold label, mean over seeds. The state of a single word can have at most "
        "the information in the word, a state that has read the text at most that in the text. To "
        "the right: the share of texts in which the most attended token, or the token with the "
        "largest gain, is decisive.",
        whole="information.parquet",
    )
