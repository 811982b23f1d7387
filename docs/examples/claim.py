"""A claim: a BiLSTM keeps more information than a CNN with the same attention."""

import numpy as np
import pandas as pd

from attinfo.claims.contrast import (
    TRAINED,
    Conclusion,
    Contrast,
    Specification,
    measured,
    versus,
)

# The effect is the mean of the first set of runs less the mean of the second. Sets are compared
# within each attention scorer and normaliser, and paired by data set and seed.
RECURRENT = Contrast(
    statement="I/H over all tokens: BiLSTM above CNN",
    sides=versus(
        "information_instance",
        f"encoder == 'bilstm' and {TRAINED}",
        f"encoder == 'cnn' and {TRAINED}",
    ),
    within=("attention", "normaliser"),
    primary=True,
)

# With the words that the page has for it; its numeral comes from its place in `CONCLUSIONS`.
CONCLUSION = Conclusion(
    statement="Recurrent encoders keep more information in their states than convolutional ones",
    question="Do the states of a BiLSTM hold more information about the decision than those of a "
    "CNN?",
    finding="Of the uncertainty about the decision, a state of a BiLSTM removes {effect} than a "
    "state of a CNN.",
    more="more",
    less="less",
    scale=100,
    unit=" percentage points",
    decimals=1,
    declared=(RECURRENT,),
    # Other ways to compute the effect that could be defended: does it keep its sign?
    specifications=tuple(
        Specification((("index", index),), measured(RECURRENT, f"information_{index}"))
        for index in ("instance", "position", "rank")
    ),
)


if __name__ == "__main__":
    from attinfo.claims.effects import effects_of
    from attinfo.claims.sampled import describe_runs

    runs = pd.DataFrame(
        [
            ("reviews", encoder, "additive", "softmax", "trained", seed)
            for seed in (1, 2, 3)
            for encoder in ("bilstm", "cnn")
        ],
        columns=["dataset", "encoder", "attention", "normaliser", "variant", "seed"],
    )
    # Row 0: the statistic of each run. Further rows would hold resamples of the texts.
    draws = {"information_instance": np.array([[0.50, 0.40, 0.60, 0.50, 0.70, 0.50]])}
    found = effects_of(RECURRENT, describe_runs(runs), draws)
    print(found.values)  # one effect for each seed
