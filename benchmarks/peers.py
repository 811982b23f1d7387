"""The same quantities by other packages, called as their documentation says.

The functions take states [n, d] and classes [n]. They return the mutual information in nats with
k = 3 neighbours, unless their docstring names another quantity.
"""

from contextlib import redirect_stderr, redirect_stdout
import io
import warnings

from ennemi._entropy_estimators import _estimate_semidiscrete_mi  # the public function needs d = 1
import infomeasure
from infopy.estimators import CDMIRossEstimator
import npeet_plus
import numpy as np
from scipy.special import digamma
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors
import torch
from torch_mist import estimate_mi

K = 3


def ennemi(hidden: np.ndarray, output: np.ndarray) -> float:
    """Ross 2014, Chebyshev distance."""
    return float(_estimate_semidiscrete_mi(hidden, output, K))


def infomeasure_ksg(hidden: np.ndarray, output: np.ndarray) -> float:
    """Kraskov et al. 2004, Chebyshev distance; equals Ross 2014 as classes are distant numbers."""
    apart = 1e6 * output[:, None].astype(float)
    return float(infomeasure.mutual_information(hidden, apart, approach="ksg", k=K))


def infopy(hidden: np.ndarray, output: np.ndarray) -> float:
    """Ross 2014, Euclidean distance, all distances; adds noise, and clips the estimate at zero."""
    return float(CDMIRossEstimator(n_neighbors=K).estimate(hidden, output))


def npeet(hidden: np.ndarray, output: np.ndarray) -> float:
    """Difference of two Kozachenko-Leonenko entropies, so not the estimator of Ross 2014."""
    return float(npeet_plus.micd(hidden, output[:, None], k=K, base=np.e))


def sklearn_neighbours(hidden: np.ndarray, output: np.ndarray) -> float:
    """Ross 2014, Euclidean distance, by the neighbour search of scikit-learn.

    A state whose list of neighbours has fewer than k of its class gets a list four times as long.
    """
    search = NearestNeighbors(algorithm="brute").fit(hidden)
    rows, length, rank = np.arange(len(hidden)), 16, np.empty(len(hidden), int)
    while len(rows):
        length = min(length, len(hidden))
        near = search.kneighbors(hidden[rows], length, return_distance=False)
        other = near != rows[:, None]
        peers = ((output[near] == output[rows, None]) & other).cumsum(1)
        sure = peers[:, -1] >= K
        place = (peers >= K).argmax(1)
        rank[rows] = np.take_along_axis(other.cumsum(1), place[:, None], 1)[:, 0]
        rows, length = rows[~sure], 4 * length
    n, count = len(hidden), np.bincount(output)[output]
    return float((digamma(n) + digamma(K) - digamma(count) - digamma(rank)).mean())


def logistic_loss(hidden: np.ndarray, output: np.ndarray, fold: np.ndarray) -> float:
    """Held-out log loss, in nats, of logistic regression with the default penalty.

    Args:
        hidden: [n, d] states.
        output: [n] classes.
        fold: [n] the fold in which a text is held out.
    """
    return _loss(LogisticRegression(max_iter=1000), hidden, output, fold)


def tuned_logistic_loss(hidden: np.ndarray, output: np.ndarray, fold: np.ndarray) -> float:
    """As `logistic_loss`, with the penalty chosen by inner folds, as in the estimator `linear`."""
    tuned = LogisticRegressionCV(
        Cs=10, max_iter=1000, scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False
    )
    return _loss(tuned, hidden, output, fold)


def _loss(model: LogisticRegression, hidden: np.ndarray, output: np.ndarray, fold: np.ndarray):
    """Held-out log loss of a model of scikit-learn."""
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        log = cross_val_predict(model, hidden, output, cv=parts, method="predict_log_proba")
    return float(-log[np.arange(len(output)), output].mean())


def torch_mist_mine(hidden: np.ndarray, output: np.ndarray, steps: int = 2000) -> float:
    """MINE with a critic of one hidden layer; other settings are the defaults of torch-mist."""
    pairs = torch.from_numpy(hidden), torch.nn.functional.one_hot(torch.from_numpy(output)).float()
    given = {"hidden_dims": [128], "max_iterations": steps, "verbose": False, "logger": False}
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return float(estimate_mi(pairs, estimator="mine", **given))
