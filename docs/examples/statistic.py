"""A statistic of each run: how much sharper attention gets when its scores are tempered."""

import pandas as pd

from attinfo.claims.statistic import MODEL_TABLE, Statistic

# A signed sum of columns of the table of texts, each averaged over the texts.
TEMPERING = Statistic(
    label="entropy ratio lost when scores are tempered to 0.5",
    terms=((1, "entropy_ratio", None), (-1, "entropy_ratio_at:0.5", None)),
    signed=True,
    bounds=(-1, 1),
    shown={MODEL_TABLE: "entropy lost at 0.5"},  # a column of a table of the page
)


if __name__ == "__main__":
    from attinfo.claims.sampled import Sampled

    run = ("reviews", "bilstm", "additive", "softmax", "trained", 1)
    texts = pd.DataFrame(
        {
            "label": [0, 1, 1],
            "predicted": [0, 1, 0],
            "entropy_ratio": [0.9, 0.8, 0.7],
            "entropy_ratio_at:0.5": [0.6, 0.5, 0.4],
        }
    )
    observed, *resampled = Sampled({run: texts}, repeats=200, seed=1).draw(TEMPERING)
    print(observed, len(resampled))
