"""Results of the controls of the measurements: for each objection an outcome, with numbers.

We chose the thresholds on which an outcome depends.
"""

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import null_variance
from attinfo.information.trust import RELIABLE
from attinfo.keys import CELL
from attinfo.labels import label_of
from attinfo.report.findings import (
    MET,
    OPEN,
    PART,
    STANDS,
    Finding,
    Study,
    UnansweredError,
    graded,
    in_words,
    together,
)
from attinfo.report.tables.estimates import spot_checks

NEAR = 0.95  # of H(output); an estimate above is near its ceiling
FAR = 0.1  # τ-b; encoders whose agreement differs by more are not alike


def saturation(study: Study) -> Finding:
    """How near the estimates are to the entropy of the output."""
    own = study.information
    own = own[own["index"].isin(["position", "rank"]) & own["mi_over_h"].notna()]
    if own.empty:
        raise UnansweredError("no estimates by position or by rank of an output with an entropy")
    by_encoder = own.groupby("encoder", sort=False)["mi_over_h"].mean()
    shares = ", ".join(f"{label_of(str(e))} {value:.0%}" for e, value in by_encoder.items())
    near = float((own["mi_over_h"] > NEAR).mean())
    words = (
        f"Estimates by linear probes are, on average, this share of their ceiling H(Ŷ): {shares}. "
        f"{near:.1%} of the estimates by position and rank are within 5 % of the ceiling."
    )
    checks = " ".join(spot_checks(study.tables["information"]))
    return Finding(graded(near, 0.05, 0.5), f"{words} {checks}".strip())


def dimensions(study: Study) -> Finding:
    """Bias where the truth is known, and the distance to a second estimator."""
    known = study.tables["calibration"]
    known = known[(known["task"] == "gaussian") & (known["estimator"] == "linear")]
    known = known[known["n"] == known["n"].max()]
    if known.empty:
        raise UnansweredError("no calibration on normal classes")
    own = study.information
    if own.empty:
        raise UnansweredError("no trained models")
    second = "knn" in set(study.tables["information"]["estimator"])
    apart = float(own["flags"].str.contains("estimators_disagree").mean())
    null = float(own["flags"].str.contains("below_floor").mean())
    bias, truth = float(known["bias"].abs().mean()), float(known["truth"].mean())
    words = (
        f"On normal classes of known information the bias of linear probes is {bias:.3f} nats on "
        f"average, where the truth is {truth:.3f} ({known['n'].max():.0f} texts). Of the "
        f"{len(own)} estimates of trained models {null:.1%} are not above the permutation null"
        + (f", and {apart:.1%} are far from those by nearest neighbours." if second else ".")
    )
    parts = [graded(bias / truth, 0.1, 0.25), graded(null, 0.05, 0.5)]
    parts += [graded(apart, 0.1, 0.5)] if second else []
    return Finding(together(parts), words)


def averages(study: Study) -> Finding:
    """Agreement within texts, by position and by rank, side by side."""
    parts, outcome = [f"within texts {study.mean('tau_gain'):+.3f}"], MET
    for index in ("position", "rank"):
        own = study.agreement(index, "attention~linear_mi", "kendall_b")["value"]
        parts.append(f"by {index} {own.mean():+.3f}" if len(own) else f"by {index} not known")
        outcome = outcome if len(own) else PART
    words = f"τ-b of attention and information, mean over the trained models: {', '.join(parts)}."
    return Finding(outcome, words)


def context(study: Study) -> Finding:
    """Agreement where states have read the text, and where they have not."""
    encoders = list(dict.fromkeys(study.tables["cells"]["encoder"]))
    if "mlp" not in encoders or len(encoders) < 2:
        raise UnansweredError("no encoder of single words beside one that reads the context")
    cells = study.tables["cells"]
    own = cells[(cells["statistic"] == "tau_gain") & (cells["variant"] == "trained")]
    wide = own.pivot_table(
        index=["dataset", "attention", "normaliser"], columns="encoder", values="estimate"
    ).dropna()
    if wide.empty or "mlp" not in wide:
        raise UnansweredError("no scorer and normaliser that all encoders have")
    values = wide.mean()[encoders]
    apart = float((values - values["mlp"]).abs().max())
    parts = ", ".join(f"{label_of(str(e))} {value:+.3f}" for e, value in values.items())
    words = (
        f"τ-b of attention and gain by encoder, over the scorers and normalisers that all of them "
        f"have: {parts}."
    )
    return Finding(STANDS if apart > FAR else MET, words)


def position(study: Study) -> Finding:
    """Agreement with position and frequency, and with these held fixed."""
    raw = study.mean("tau_gain")
    fixed = [study.mean(f"partial_{control}_gain") for control in ("position", "frequency")]
    left = min(value / raw for value in fixed) if raw else 0.0
    words = (
        f"τ-b of attention with gain is {raw:+.3f}; with position held fixed {fixed[0]:+.3f}, with "
        f"word frequency held fixed {fixed[1]:+.3f}. τ-b of attention with position is "
        f"{study.mean('tau_position'):+.3f}, with frequency {study.mean('tau_frequency'):+.3f}."
    )
    return Finding(graded(1 - left, 0.2, 0.5), words)


def length(study: Study) -> Finding:
    """The standard deviation of the τ of a single text under the null."""
    parts = []
    for name, summary in study.summaries.items():
        tokens = summary["splits"]["test"]["median_tokens"]
        spread = float(np.sqrt(null_variance(np.array([tokens]))[0]))
        parts.append(
            f"{spread:.2f} for the {tokens:.0f} words of a median text of {label_of(name)}"
        )
    words = (
        "No test of a single text enters any verdict; the τ-b of all texts are averaged. By "
        f"chance alone the τ of one text has a standard deviation of {', '.join(parts)}."
    )
    return Finding(MET, words)


def ties(study: Study) -> Finding:
    """How many texts have no order, and how far ties limit τ-b."""
    own = study.agreement("instance", "attention~linear_gain", "kendall_b")
    if own.empty:
        raise UnansweredError("no agreement that is defined")
    left_out = float(own["excluded"].sum() / (own["n"] + own["excluded"]).sum())
    ceiling = float(own["ceiling"].mean())
    words = (
        f"{left_out:.1%} of the texts of trained models have no order. They are left out, not "
        f"counted as zero. {own['tie_rate'].mean():.1%} of the pairs of words are tied, and ties "
        f"allow a τ-b of {ceiling:.3f} on average. Scores are ordered, not rounded weights."
    )
    return Finding(together([graded(left_out, 0.05, 0.25), graded(1 - ceiling, 0.05, 0.2)]), words)


def gumbel(study: Study) -> Finding:
    """Gumbel-softmax against softmax of the same temperature, in training or afterwards."""
    parts = ("entropy of attention: softmax of the same temperature", "tempered afterwards")
    own = pd.concat([study.contrasts("skewness", within=part) for part in parts])
    if own.empty:
        raise UnansweredError("no softmax of the temperature of a Gumbel-softmax beside it")
    outcomes = {"supported": MET, "contradicted": STANDS}
    return Finding(together([outcomes.get(v, OPEN) for v in own["verdict"]]), in_words(own))


def correlations(study: Study) -> Finding:
    """Other statistics than τ-b, and deletion of words."""
    others = {
        "weighted_tau_gain": "weighted τ",
        "pearson_gain": "Pearson’s r",
        "topk_overlap_gain": "overlap of the top k",
    }
    tau, values = study.mean("tau_gain"), {name: study.mean(name) for name in others}
    parts = ", ".join(f"{label} {values[name]:+.3f}" for name, label in others.items())
    words = f"τ-b {tau:+.3f}, {parts}; mean over the trained models. {_deletion(study)}"
    alike = all(values[name] * tau > 0 for name in ("weighted_tau_gain", "pearson_gain"))
    return Finding(MET if alike else STANDS, words)


def _deletion(study: Study) -> str:
    """Normalised comprehensiveness of attention, information and random orders."""
    table = study.tables["faithfulness"]
    own = table[(table["variant"] == "trained") & (table["kind"] == "comprehensiveness")]
    means = own.groupby("ordering")["naopc"].mean().dropna()
    names = {"attention": "attention", "information": "gain", "random": "random order"}
    parts = [f"{label} {means[name]:.3f}" for name, label in names.items() if name in means]
    if not parts:
        return "Deletion of words was not measured."
    return f"Normalised comprehensiveness when words are deleted: {', '.join(parts)}."


def plausibility(study: Study) -> Finding:
    """Deletion of words, and rated words."""
    try:
        attention, gain, rarity = (
            study.mean(f"plausibility_{name}") for name in ("attention", "gain", "rarity")
        )
    except UnansweredError:
        missing = "No lexicon rates words of this study’s texts, so plausibility was not measured."
        return Finding(PART, f"{_deletion(study)} {missing}")
    rated = (
        f"Average precision of finding rated words, above chance: attention {attention:+.3f}, gain "
        f"{gain:+.3f}, rarity of the word {rarity:+.3f}."
    )
    return Finding(MET, f"{_deletion(study)} {rated}")


def causality(study: Study) -> Finding:
    """Agreement where the weights are not the model's own choice."""
    cells = study.tables["cells"]
    own = cells[cells["statistic"] == "tau_gain"].dropna(subset="estimate")
    if set(own["variant"]) <= {"trained"}:
        raise UnansweredError("no ablations")
    trained = own[own["variant"] == "trained"][[*CELL, "estimate"]]
    paired = own[own["variant"] != "trained"].merge(trained, on=CELL, suffixes=("", "_trained"))
    if paired.empty:
        raise UnansweredError("no trained models of the same cells as its ablations")
    means = paired.groupby("variant", sort=False)[["estimate", "estimate_trained"]].mean()
    parts = [
        f"{label_of(str(variant))} {row['estimate']:+.3f} (trained {row['estimate_trained']:+.3f})"
        for variant, row in means.iterrows()
    ]
    wanted = ("frozen_scorer", "uniform", "permuted", "refitted_scorer", "untrained", "adversarial")
    absent = [label_of(v) for v in wanted if v not in set(cells["variant"])]
    missing = f" This study does not have: {', '.join(absent)}." if absent else ""
    words = "τ-b of attention and gain by ablation, and of the trained models of the same cells: "
    words += f"{', '.join(parts)}.{missing}"
    tested = pd.concat(
        study.contrasts("learning", role, "agreement") for role in ("primary", "secondary")
    )
    outcomes = {"supported": MET, "contradicted": STANDS}
    return Finding(together([outcomes.get(v, OPEN) for v in tested["verdict"]] or [OPEN]), words)


def output(study: Study) -> Finding:
    """The output that the information is about, and how often it is the gold label."""
    about = study.config["information"]["output"]
    which = {"predicted": "the class that the model predicts", "label": "the gold label"}[about]
    accuracy = study.cells("accuracy")
    try:
        tau, right = (study.mean(name, "label_shuffled") for name in ("tau_gain", "accuracy"))
        null = f" Models trained on shuffled labels: τ-b {tau:+.3f} at accuracy {right:.3f}."
        outcome = MET
    except UnansweredError:
        null, outcome = " This study trains no models on shuffled labels.", PART
    return Finding(
        outcome,
        f"Information is about {which}, which is the gold label in {accuracy.min():.1%} to "
        f"{accuracy.max():.1%} of the test texts.{null}",
    )


def attenuation(study: Study) -> Finding:
    """How well the order of tokens by the probe repeats when the measurement repeats."""
    wanted = {
        "gain by two probes of disjoint halves of the texts": "reliability_spearman",
        "by their mean": "reliability_stepped_up",
    }
    found = {
        label: study.agreement("instance", "linear_gain~linear_gain", statistic)
        for label, statistic in wanted.items()
    }
    if any(own.empty for own in found.values()):
        raise UnansweredError("no probes of halves of the texts")
    parts = ", ".join(f"{label} {own['value'].mean():.2f}" for label, own in found.items())
    by_cell = found["by their mean"].groupby(CELL)["value"].mean()
    low = int((by_cell < RELIABLE).sum())
    words = (
        f"Spearman’s ρ within texts, mean over the trained cells: {parts}. "
        f"{low} of {len(by_cell)} cells are below {RELIABLE:g} by the mean of the two. "
        "Weights are no estimates and carry no such noise."
    )
    for name, pair in (("attention", "attention"), ("gain", "linear_gain")):
        own = study.agreement("instance", f"{pair}~{pair}", "between_seeds")["value"]
        words += f" The {name} of two seeds agrees at {own.mean():.2f}." * bool(len(own))
    return Finding(PART if low else MET, words)
