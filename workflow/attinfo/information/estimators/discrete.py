"""Information between symbols and a discrete output, by counting.

I = log N + <log n_ay> - <log n_a> - <log n_y>, the means taken over the N states. As an entropy the
logarithm of a count is too small on average; Grassberger (2003) puts G(n) = psi(n) +
(-1)^n / 2 [psi((n + 1) / 2) - psi(n / 2)] in its place.
"""

import math

import torch
from torch import Tensor

from attinfo.information.sample import Measured, Sample


def log_ratio_of_symbols(symbol: Tensor, sample: Sample, log: Tensor) -> Tensor:
    """[1 + P, n] log p(a, y) - log p(a) - log p(y) at each state's symbol and output, in nats.

    Args:
        symbol: [n] int64, of each state.
        log: [n + 1] float64, what stands for the logarithm of each count.
    """
    output = sample.output[sample.text].T

    def of_count(values: Tensor) -> Tensor:
        return log[values.bincount()[values]]

    either = torch.stack([of_count(column) for column in output]) + of_count(symbol)
    both = torch.stack([of_count(column) for column in symbol * sample.classes + output])
    return math.log(len(symbol)) + both - either


def grassberger(most: int, device: torch.device) -> Tensor:
    """[most + 1] float64: G(n) for n from 0 (which has none: it is that of 1) to `most`."""
    n = torch.arange(most + 1, dtype=torch.float64, device=device).clamp(min=1)
    sign = 1 - 2 * (n % 2)
    return torch.digamma(n) + sign / 2 * (torch.digamma((n + 1) / 2) - torch.digamma(n / 2))


def atoms_plugin(sample: Sample) -> Measured:
    """Distinct states as symbols, counted, with the correction of Grassberger (2003).

    For states that repeat exactly, such as those of a model without context. Where hardly any do,
    every state names its output and the value is near H(Y), but so is the null. Where a text has
    several states they are dependent, and the correction, which takes each for one of n, is too
    small: again, the null shows it.
    """
    symbol = torch.unique(sample.hidden, dim=0, return_inverse=True)[1]
    log = grassberger(len(symbol), symbol.device)
    pvi = log_ratio_of_symbols(symbol, sample, log)
    return Measured(pvi=pvi[0], gain=None, null=pvi[1:].mean(1))
