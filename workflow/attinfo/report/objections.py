"""What reviewers would hold against such a study, and the control that meets it."""

from attinfo.report import controls
from attinfo.report.replies import Question

QUESTIONS = (
    Question(
        "A state that has read the whole text holds all there is to know of the output, so "
        "estimates of its information rank nothing.",
        "The quantity is usable information: what held-out linear probes can extract. A pool of "
        "linear and nonlinear probes checks a sample.",
        controls.saturation,
        ("information_by_rank", "information_by_position", "context-table"),
        "The family of probes is not varied beyond that, and no noise is added to the states.",
    ),
    Question(
        "Information in many dimensions cannot be estimated from so few texts.",
        "Cross-fitted probes, a second family of estimators, permuted outputs as the floor, and "
        "generated states of known information at the study’s width and numbers of texts.",
        controls.dimensions,
        ("calibration", "calibration-table"),
    ),
    Question(
        "Mutual information is an average over texts, attention belongs to one text.",
        "Both are reported and never mixed: pointwise information within texts, and values by "
        "position and by attention rank over texts.",
        controls.averages,
        ("unit-table",),
    ),
    Question(
        "States of a recurrent network mix the whole text, so a weight on a state is no weight on "
        "its word.",
        "An encoder of single words as the reference; information in the word itself beside that "
        "in its state; deletion of words, not of states.",
        controls.context,
        ("context-table",),
        "How alike the states of a text are (conicity) is not measured.",
    ),
    Question(
        "Position, text length and padding could make attention and information agree.",
        "Agreement with position and word frequency as baselines, and with each held fixed. "
        "Padding gets no weight, which a test holds.",
        controls.position,
        ("yardstick-table",),
        "Texts are not stratified by length.",
    ),
    Question(
        "The longer the text, the more “significant” any rank correlation.",
        "No share of significant texts is counted; the replicate of every interval is the seed.",
        controls.length,
        ("agreement", "data-table"),
    ),
    Question(
        "Ties make rank correlations undefined, or cap them.",
        "τ-b; texts without an order are left out and counted; tie rates and the attainable "
        "ceiling are kept.",
        controls.ties,
        ("agreement-table",),
    ),
    Question(
        "That Gumbel-softmax below temperature one is more skewed is true by definition.",
        "Softmax of the same temperature, trained so and tempered afterwards, as controls; noise "
        "is off at evaluation.",
        controls.gumbel,
        ("skew", "contrast-table"),
    ),
    Question(
        "Rank correlation is the wrong yardstick for attention.",
        "Other statistics beside it, and deletion of words as an axis of its own.",
        controls.correlations,
        ("agreement-table",),
    ),
    Question(
        "Faithful is not plausible.",
        "Two yardsticks apart: deletion of words, and words that people rate.",
        controls.plausibility,
        ("faithfulness-table",),
        "Models are not retrained on texts with words removed (ROAR), so deletion leaves the "
        "distribution of texts.",
    ),
    Question(
        "Attention shapes the states: it makes the information that it then agrees with.",
        "Ablations in which the weights are not the model’s own choice.",
        controls.causality,
        ("ablations", "contrast-table"),
    ),
    Question(
        "Information about the prediction, or about the label?",
        "The config names the output; models trained on shuffled labels are the null.",
        controls.output,
        ("model-table",),
        "The other output, the logit margin, and right and wrong texts apart are not in this "
        "study.",
    ),
    Question(
        "Better models may simply agree better.",
        "Contrasts (i) and (v) once more, adjusted for accuracy and on pairs of equal accuracy.",
        controls.accuracy,
        ("accuracy", "contrast-table"),
    ),
    Question(
        "Texts are no replicates: models trained anew differ.",
        "Seeds are paired and are the replicates; the variance is split over blocks and seeds.",
        controls.seeds,
        ("variance-table",),
    ),
    Question(
        "With so many comparisons something will come out.",
        "Five primary contrasts, declared before any result and adjusted by Holm; all others by "
        "Benjamini and Hochberg; ranks with simultaneous intervals instead of a best cell.",
        controls.multiplicity,
        ("verdict-table",),
    ),
    Question(
        "Noise in either ranking lowers their agreement.",
        "How well each repeats between seeds, and the agreement corrected for it.",
        controls.attenuation,
        ("reliability-table",),
    ),
)
