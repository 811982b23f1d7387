"""The statistics of studies with rationales, with scores of other tools, or with numbers."""

from collections.abc import Iterable

from attinfo.claims.compared import FINDERS
from attinfo.claims.statistic import Statistic, found_by, mean, of_attention, share
from attinfo.keys import GIVEN
from attinfo.labels import label_of

RATIONALE_SCORES = {"auprc": "AUPRC", "token_f1": "token F1", "iou_f1": "IOU F1"}


def given_statistics(columns: Iterable[str]) -> dict[str, Statistic]:
    """The statistics of what the data of a study bring, by the columns of a table of texts.

    A table of scores names its measures, so their statistics are known from the tables alone:
    `tau_` and `plausibility_` of each, as of the study's own measures. The scores by human
    rationales are `rationale_<score>_<measure>`, and above chance
    `rationale_<score>_lift_<measure>`.
    """
    finders = {column: (name, label) for name, (column, label) in FINDERS.items()}
    found = {}
    for column in columns:
        if column == "squared_error":
            deviation = "squared_deviation"
            terms = ((1, deviation, deviation), (-1, column, deviation))
            found["r_squared"] = Statistic("R² on the test texts", terms, bounds=(None, 1))
        kind, _, measure = column.partition(":")
        score = kind.removesuffix("_chance").removesuffix("_lift")
        if score in RATIONALE_SCORES:
            name, label = finders.get(measure, (measure, label_of(measure)))
            words = f"{RATIONALE_SCORES[score]} of marked tokens"
            if kind.endswith("_chance"):
                found[f"rationale_{kind}"] = share(f"{words} in random order", column)
            elif kind.endswith("_lift"):
                found[f"rationale_{kind}_{name}"] = mean(
                    f"{words} by {label}, above chance", column, signed=True, bounds=(-1, 1)
                )
            else:
                found[f"rationale_{kind}_{name}"] = share(f"{words} by {label}", column)
        if not measure.startswith(GIVEN) or "~" in measure:
            continue
        label = label_of(measure)
        if kind == "tau":
            found[f"tau_{measure}"] = of_attention(measure, measure, label)
        elif kind == "ap_lift":
            found[f"plausibility_{measure}"] = found_by(measure, measure, label)
        elif kind == "auc":
            found[f"plausibility_auc_{measure}"] = share(
                f"ROC AUC of rated words by {label}", column
            )
    return found
