"""What the controls of a study show, in its numbers: a sentence or two for each question."""

import numpy as np

from attinfo.agreement.kendall import null_variance
from attinfo.figures.style import in_order, name_of
from attinfo.report.replies import Study, UnansweredError
from attinfo.report.tables.estimates import spot_checks

NEAR = 0.95  # of H(output): an estimate above is near its ceiling
FEW_SEEDS = 5  # a cell: with fewer, reviewers object


def saturation(study: Study) -> str:
    """How near the estimates are to the entropy of the output."""
    own = study.information
    own = own[own["index"].isin(["position", "rank"])]
    if own.empty:
        raise UnansweredError("no estimates by position or by rank")
    by_encoder = own.groupby("encoder", sort=False)["mi_over_h"].mean()
    told = ", ".join(f"{name_of(e)} {value:.0%}" for e, value in by_encoder.items())
    near = (own["mi_over_h"] > NEAR).mean()
    checked = " ".join(spot_checks(study.tables["information"]))
    return (
        f"Linear probes reach, of the ceiling H(Ŷ), on average: {told}. {near:.1%} of the "
        f"estimates by position and rank are within 5 % of it. {checked}"
    ).strip()


def dimensions(study: Study) -> str:
    """Bias where the truth is known, and what a second estimator says."""
    known = study.tables["calibration"]
    known = known[(known["task"] == "gaussian") & (known["estimator"] == "linear")]
    known = known[known["n"] == known["n"].max()]
    if known.empty:
        raise UnansweredError("no calibration on normal classes")
    flags, own = study.information["flags"], study.information
    if own.empty:
        raise UnansweredError("no trained models")
    second = "nearest neighbours" if "knn" in set(study.tables["information"]["estimator"]) else ""
    apart = flags.str.contains("estimators_disagree").mean()
    floor = flags.str.contains("below_floor").mean()
    return (
        f"On normal classes of known information linear probes are off by "
        f"{known['bias'].abs().mean():.3f} nats on average of {known['truth'].mean():.3f} "
        f"({known['n'].max():.0f} texts). Of the {len(own)} estimates of trained models "
        f"{floor:.1%} are not above those of permuted outputs"
        + (f", and {apart:.1%} are far from those by {second}." if second else ".")
    )


def averages(study: Study) -> str:
    """Agreement within texts, by position and by rank, side by side."""
    parts = [f"within texts {study.mean('tau_gain')}"]
    for index in ("position", "rank"):
        own = study.agreement(index, "attention~linear_mi", "kendall_b")["value"]
        parts.append(f"by {index} {own.mean():+.3f}" if len(own) else f"by {index} not known")
    return f"τ-b of attention and information, mean over the trained models: {', '.join(parts)}."


def context(study: Study) -> str:
    """Agreement where states have read the text, and where they have not."""
    encoders = in_order(study.tables["cells"]["encoder"])
    if "mlp" not in encoders or len(encoders) < 2:
        raise UnansweredError("no encoder of single words beside one that reads the context")
    told = ", ".join(f"{name_of(e)} {study.mean('tau_gain', encoder=e)}" for e in encoders)
    return f"τ-b of attention and gain by encoder, the per-token MLP as the reference: {told}."


def position(study: Study) -> str:
    """Agreement with position and frequency, and with these held fixed."""
    return (
        f"τ-b of attention with gain {study.mean('tau_gain')}; with position held fixed "
        f"{study.mean('partial_position_gain')}, with word frequency held fixed "
        f"{study.mean('partial_frequency_gain')}. Of attention with position itself "
        f"{study.mean('tau_position')}, with frequency {study.mean('tau_frequency')}."
    )


def length(study: Study) -> str:
    """How wide the null of a single text's τ is at the length of these texts."""
    told = []
    for name, summary in study.summaries.items():
        tokens = summary["splits"]["test"]["median_tokens"]
        spread = float(np.sqrt(null_variance(np.array([tokens]))[0]))
        of = name.replace("_", " ")
        told.append(f"{spread:.2f} for the {tokens:.0f} words of a median text of {of}")
    return (
        "No test of single texts enters any verdict. By chance alone τ of one text has a standard "
        f"deviation of {', '.join(told)}; what is averaged are the τ-b of all texts."
    )


def ties(study: Study) -> str:
    """How many texts have no order, and what ties allow."""
    own = study.agreement("instance", "attention~linear_gain", "kendall_b")
    if own.empty:
        raise UnansweredError("no agreement that is defined")
    left_out = own["excluded"].sum() / (own["n"] + own["excluded"]).sum()
    return (
        f"Undefined is not zero: {left_out:.1%} of the texts of trained models have no order and "
        f"are left out. {own['tie_rate'].mean():.1%} of the pairs of words are tied; ties allow a "
        f"τ-b of {own['ceiling'].mean():.3f} on average. Scores, not rounded weights, are ordered."
    )


def gumbel(study: Study) -> str:
    """Gumbel-softmax against softmax of the same temperature, in training or afterwards."""
    same = study.contrasts("iv", within="entropy of attention: softmax of the same temperature")
    after = study.contrasts("iv", within="tempered afterwards")
    if not same + after:
        raise UnansweredError("no softmax of the temperature of a Gumbel-softmax beside it")
    return " ".join(f"{told}." for told in same + after)


def correlations(study: Study) -> str:
    """Other statistics than τ-b, and deletion as an axis of its own."""
    others = {
        "weighted_tau_gain": "weighted τ",
        "pearson_gain": "Pearson’s r",
        "topk_overlap_gain": "overlap of the top k",
    }
    told = ", ".join(f"{label} {study.mean(name)}" for name, label in others.items())
    return f"τ-b {study.mean('tau_gain')}, {told}; mean over the trained models. {deletion(study)}"


def deletion(study: Study) -> str:
    """Normalised comprehensiveness of attention, information and random orders."""
    table = study.tables["faithfulness"]
    own = table[(table["variant"] == "trained") & (table["kind"] == "comprehensiveness")]
    means = own.groupby("ordering")["naopc"].mean().dropna()
    names = {"attention": "attention", "information": "gain", "random": "random order"}
    told = [f"{label} {means[name]:.3f}" for name, label in names.items() if name in means]
    if not told:
        return "Deletion is not measured."
    return f"Deleting words, normalised comprehensiveness: {', '.join(told)}."


def plausibility(study: Study) -> str:
    """Rated words and deletion, each by itself."""
    try:
        attention, gain, rarity = (
            study.mean(f"plausibility_{name}") for name in ("attention", "gain", "rarity")
        )
        rated = (
            f"Average precision of finding rated words, above chance: attention {attention}, gain "
            f"{gain}, rarity of the word {rarity}."
        )
    except UnansweredError:
        rated = "No words of this study’s texts are rated by people: plausibility is not measured."
    return f"{deletion(study)} {rated}"


def causality(study: Study) -> str:
    """Agreement and accuracy of what training attention did not make."""
    cells = study.tables["cells"]
    own = cells[cells["statistic"] == "tau_gain"].dropna(subset="estimate")
    means = own.groupby("variant", sort=False)["estimate"].mean()
    if set(means.index) <= {"trained"}:
        raise UnansweredError("no ablations")
    compared = own[own["variant"] != "trained"][["dataset", "encoder", "attention", "normaliser"]]
    trained = own[own["variant"] == "trained"].merge(compared.drop_duplicates())
    if trained.empty:
        raise UnansweredError("no trained models of the same cells as its ablations")
    told = [f"trained (the same cells) {trained['estimate'].mean():+.3f}"]
    told += [f"{name_of(v)} {m:+.3f}" for v, m in means.items() if v != "trained"]
    wanted = ("frozen_scorer", "uniform", "permuted", "refitted_scorer", "untrained", "adversarial")
    absent = [name_of(v) for v in wanted if v not in set(cells["variant"])]
    missing = f" Not in this study: {', '.join(absent)}." if absent else ""
    return f"τ-b of attention and gain by ablation: {', '.join(told)}.{missing}"


def output(study: Study) -> str:
    """Which output is asked about, and how often the two agree."""
    about = study.config["information"]["output"]
    asked = {"predicted": "the class that the model predicts", "label": "the gold label"}[about]
    accuracy = study.cells("accuracy")
    try:
        null = f" Models trained on shuffled labels: τ-b {study.mean('tau_gain', 'label_shuffled')}"
        null += f" at accuracy {study.cells('accuracy', 'label_shuffled').mean():.3f}."
    except UnansweredError:
        null = " This study trains no models on shuffled labels."
    return (
        f"Information is about {asked}, which is the gold label in {accuracy.min():.1%} to "
        f"{accuracy.max():.1%} of the test texts.{null}"
    )


def accuracy(study: Study) -> str:
    """The primary questions of (i) and (v) at equal accuracy."""
    told = study.contrasts("i", role="control") + study.contrasts("v", role="control")
    if not told:
        raise UnansweredError("no runs to compare at equal accuracy")
    return " ".join(f"{one}." for one in told)


def seeds(study: Study) -> str:
    """How many seeds, and what a seed does."""
    count = study.tables["runs"]["seed"].nunique()
    if count < 2:
        raise UnansweredError("one seed: nothing is known of models trained anew")
    variance = study.tables["variance"]
    own = variance[(variance["statistic"] == "tau_gain") & variance["share"].notna()]
    own = own[own["component"].isin(["seed", "residual"])]
    shares = ", ".join(
        f"{row.component} {row.share:.0%} (SD {row.sd:.3f})" for row in own.itertuples()
    )
    few = f" That is fewer than {FEW_SEEDS}: intervals are wide." if count < FEW_SEEDS else ""
    return (
        f"{count} seeds a cell, the replicates of every interval; texts are resampled within."
        f"{few}" + (f" Of the variance of agreement (τ-b) seeds make: {shares}." if shares else "")
    )


def multiplicity(study: Study) -> str:
    """How many contrasts, what adjusting does, and how well the best cell is known."""
    claims, ranks = study.tables["claims"], study.tables["ranks"]
    level = study.config["statistics"]["level"]
    tested = claims[claims["p"].notna()]
    if tested.empty:
        raise UnansweredError("no p that could be adjusted")
    adjusted = tested["p_holm"].fillna(tested["p_bh"])
    told = (
        f"Of {len(tested)} contrasts with a p, {(tested['p'] < 1 - level).sum()} are below "
        f"{1 - level:.2g} as they are, {(adjusted < 1 - level).sum()} once adjusted."
    )
    best = ranks[(ranks["statistic"] == "tau_gain") & (ranks["rank"] == 1)]
    for row in best.head(1).itertuples():
        told += (
            f" The cell of largest agreement ({name_of(row.encoder)}, {name_of(row.attention)}, "
            f"{name_of(row.normaliser)}) has a rank between {row.rank_low:.0f} and "
            f"{row.rank_high:.0f} of {row.cells:.0f}."
        )
    return told


def attenuation(study: Study) -> str:
    """Reliability of both orders, and agreement corrected for it."""
    wanted = {
        "attention of two seeds": ("attention~attention", "seed_reliability"),
        "gain of two seeds": ("attention~linear_gain", "seed_reliability"),
        "the two with each other": ("attention~linear_gain", "spearman"),
        "the same, disattenuated": ("attention~linear_gain", "disattenuated"),
    }
    means = {label: study.agreement("instance", *key)["value"] for label, key in wanted.items()}
    told = [f"{label} {own.mean():+.3f}" for label, own in means.items() if len(own)]
    if means["attention of two seeds"].empty:
        raise UnansweredError("one seed: how well rankings repeat is not known")
    return f"Spearman’s ρ within texts, mean over the trained cells: {', '.join(told)}."
