"""Entropy and divergence of distributions, in nats."""

import numpy as np

LEAST = 1e-12  # a smaller probability counts as this much in a divergence


def entropy_of(labels: np.ndarray) -> float:
    """Plug-in entropy of the observed values of a discrete variable.

    Args:
        labels: [n] of any type.
    """
    share = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(share * np.log(share)).sum())


def jensen_shannon(p: np.ndarray, q: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """[texts] Jensen-Shannon divergence of two distributions over the tokens of each text.

    Args:
        p, q: [tokens] probabilities that sum to one in each text.
        starts: [texts] the first token of each text.

    Returns:
        From 0, the same distribution, to log 2, no token in common.

    Reference: Lin 1991, IEEE Transactions on Information Theory 37.
    """
    p, q = (np.maximum(own.astype(np.float64), LEAST) for own in (p, q))
    middle = (p + q) / 2
    per_token = (p * np.log(p / middle) + q * np.log(q / middle)) / 2
    return np.maximum(np.add.reduceat(per_token, starts), 0)
