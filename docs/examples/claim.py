"""A claim: a BiLSTM keeps more information than a CNN with the same attention."""

import numpy as np
import pandas as pd

from attinfo.claims.contrast import Contrast, versus

TEXT = "Recurrent encoders keep more information in their states than convolutional ones"
TRAINED = "variant == 'trained'"

# The effect is the mean of the first set of runs less the mean of the second. Sets are compared
# within each attention scorer and normaliser, and paired by data set and seed.
RECURRENT = Contrast(
    claim="vi",
    statement="I/H over all tokens: BiLSTM above CNN",
    sides=versus(
        "information_instance",
        f"encoder == 'bilstm' and {TRAINED}",
        f"encoder == 'cnn' and {TRAINED}",
    ),
    within=("attention", "normaliser"),
    primary=True,
)


if __name__ == "__main__":
    from attinfo.claims.effects import describe_runs, effects_of

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
