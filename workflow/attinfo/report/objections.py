"""Objections that reviewers may raise to a study, the controls that answer them, and replies."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.information.trust import RELIABLE
from attinfo.report import controls, verdict_controls
from attinfo.report.findings import MET, NONE, PART, Finding, Study, UnansweredError


class Question(NamedTuple):
    """An objection, the control that addresses it, and what the control leaves open.

    `rule`: what the outcome depends on, with our thresholds; `places`: the figures and tables to
    look at, of which the page links the first that it has.
    """

    objection: str
    control: str
    rule: str
    finding: Callable[[Study], Finding]
    places: tuple[str, ...]
    remains: str = ""


class Reply(NamedTuple):
    """A question as the page shows it, with the outcome and the study's numbers."""

    objection: str
    control: str
    rule: str
    outcome: str
    finding: str
    place: str
    remains: str


def replies(questions: Sequence[Question], study: Study, anchors: Mapping[str, str]) -> list[Reply]:
    """Answer questions from a study.

    A control that leaves something open meets an objection in part at most.

    Args:
        questions: to answer.
        study: the tables to answer them from.
        anchors: the name of a figure or table -> its anchor on the page; and `contents`.
    """
    shown = []
    for question in questions:
        place = next(anchors[p] for p in (*question.places, "contents") if p in anchors)
        try:
            (outcome, words), remains = question.finding(study), question.remains
            outcome = PART if remains and outcome == MET else outcome
        except UnansweredError as why:
            outcome, words, remains = NONE, f"It has {why}.", ""
        shown.append(Reply(*question[:3], outcome, words, place, remains))
    return shown


_AT_EQUAL_ACCURACY = " and ".join(
    f"({CONCLUSIONS[name].numeral})" for name in ("preservation", "combinations")
)
QUESTIONS = (
    Question(
        "A state that has read the whole text holds everything there is to know about the output, "
        "so estimates of its information cannot rank states.",
        "The study estimates usable information, which held-out linear probes can extract. A pool "
        "of linear and nonlinear probes checks a sample.",
        "Met if at most 5 % of the estimates are near the ceiling; stands if more than half are.",
        controls.saturation,
        ("information_by_rank", "information_by_position", "context-table"),
        "No other families of probes are tried, and no noise is added to the states.",
    ),
    Question(
        "Information in many dimensions cannot be estimated from so few texts.",
        "Probes are cross-fitted. A second family of estimators, permuted outputs, and generated "
        "states of known information with the study’s width and numbers of texts are compared.",
        "Met if the bias is at most 10 % of the truth, at most 5 % of the estimates are not "
        "above the null, and at most 10 % are far from the second estimator; stands if the "
        "bias exceeds 25 %, or half of the estimates fail a check.",
        controls.dimensions,
        ("calibration", "calibration-table"),
    ),
    Question(
        "Mutual information is an average over texts, but attention belongs to one text.",
        "Both are reported and never mixed: pointwise information within texts, and averages over "
        "texts by position and by attention rank.",
        "Met if all three are known.",
        controls.averages,
        ("unit-table",),
    ),
    Question(
        "States of a recurrent network mix the whole text, so a weight on a state is not a weight "
        "on its word.",
        "An encoder of single words is the reference. The information in the word itself is "
        "reported beside that in its state, and words are deleted, not states.",
        "Stands if the agreement of two encoders differs by more than 0.1.",
        controls.context,
        ("context-table",),
        "The similarity of the states of a text (conicity) is not measured.",
    ),
    Question(
        "Position, text length and padding could make attention and information agree.",
        "Agreement with position and with word frequency is reported, and agreement with gain with "
        "each of them held fixed. A test of the software checks that padding gets no weight.",
        "Met if at least 80 % of the agreement is left with either held fixed; stands if less "
        "than half is.",
        controls.position,
        ("measure-table",),
        "Texts are not stratified by length.",
    ),
    Question(
        "The longer the text, the more “significant” any rank correlation.",
        "No share of significant texts is counted. The replicate of every interval is the seed.",
        "Met by design.",
        controls.length,
        ("agreement", "data-table"),
    ),
    Question(
        "Ties make rank correlations undefined, or limit them.",
        "The statistic is τ-b. Texts without an order are left out and counted; tie rates and the "
        "attainable ceiling are reported.",
        "Met if at most 5 % of the texts are left out and the ceiling is at least 0.95; "
        "stands if more than 25 % are, or the ceiling is below 0.8.",
        controls.ties,
        ("agreement-table",),
    ),
    Question(
        "Gumbel-softmax below temperature one is more skewed by definition.",
        "Softmax of the same temperature is the control, in training and applied afterwards. At "
        "evaluation there is no noise.",
        "Met if Gumbel-softmax is more skewed than each control; stands if it is less skewed "
        "than one.",
        controls.gumbel,
        ("skew", "contrast-table"),
    ),
    Question(
        "Rank correlation is the wrong measure of attention.",
        "Other statistics are reported beside it, and so is the deletion of words.",
        "Met if weighted τ and Pearson’s r have the sign of τ-b.",
        controls.correlations,
        ("agreement-table",),
    ),
    Question(
        "Faithful is not plausible.",
        "Deletion of words and words that people rated are reported separately.",
        "Met if both are measured.",
        controls.plausibility,
        ("faithfulness-table",),
        "Models are not retrained on texts with words removed (ROAR), so texts with deleted words "
        "are unlike those that the models were trained on.",
    ),
    Question(
        "Attention shapes the states: it makes the information that it then agrees with.",
        "Ablations have weights that are not the model’s own choice.",
        "Met if trained attention agrees more in every contrast of "
        f"({CONCLUSIONS['learning'].numeral}); stands if it agrees less in one.",
        controls.causality,
        ("ablations", "contrast-table"),
    ),
    Question(
        "Is the information about the prediction, or about the label?",
        "The config names the output. Models trained on shuffled labels are the null.",
        "Met if there are models trained on shuffled labels.",
        controls.output,
        ("model-table",),
        "The other output, the logit margin, and right and wrong texts separately are not "
        "measured.",
    ),
    Question(
        "Better models may simply agree better.",
        f"Contrasts {_AT_EQUAL_ACCURACY} are repeated, adjusted for accuracy and on pairs of equal "
        "accuracy.",
        "Met if the interval of each contrast excludes 0, and so does the repeated one’s, on the "
        "same side; stands if one turns.",
        verdict_controls.accuracy,
        ("accuracy", "contrast-table"),
    ),
    Question(
        "Some models may have been stopped before they had learned.",
        "A run was trained enough if its dev loss had stopped falling. Runs that were not are "
        "counted, and each primary contrast is repeated without them.",
        "Met if there are none; stands if a contrast turns without them.",
        verdict_controls.training,
        ("learning", "contrast-table"),
    ),
    Question(
        "Another analyst would have made other choices and found something else.",
        "The effect of each conclusion is computed under every declared choice that could be "
        "defended, which is its specification curve.",
        "Met if the sign never turns; stands if it turns in more than 10 % of the specifications "
        "of a conclusion.",
        verdict_controls.choices,
        ("specifications", "robustness-table"),
    ),
    Question(
        "Texts are no replicates: retrained models differ.",
        "Seeds are paired and are the replicates. The variance is split over blocks and seeds.",
        f"Met with at least {verdict_controls.FEW_SEEDS} seeds.",
        verdict_controls.seeds,
        ("variance-table",),
    ),
    Question(
        "With so many comparisons, some will be significant by chance.",
        f"The {len(CONCLUSIONS)} primary contrasts were declared before any result. They are "
        "adjusted by Holm, all others by Benjamini and Hochberg. Ranks have simultaneous "
        "intervals.",
        "Met by design.",
        verdict_controls.multiplicity,
        ("verdict-table",),
    ),
    Question(
        "Noise in either ranking lowers their agreement.",
        "Two probes of each model, fitted to disjoint halves of the texts, show how well the order "
        "of the tokens repeats when the measurement repeats.",
        f"Met if the mean of two such probes has a reliability of {RELIABLE:g} or more in "
        "every cell.",
        controls.attenuation,
        ("reliability-table",),
        "No agreement is corrected for it. That of two seeds is no reliability: they are two "
        "models, which may truly differ.",
    ),
)
