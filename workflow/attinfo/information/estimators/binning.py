"""Information after binning, as in the papers on the information plane.

Shwartz-Ziv & Tishby (2017) and Saxe et al. (2018) cut the activation of every unit into bins and
take the bins of all units together as one symbol. With more than a few units nearly every state
is a different symbol, and the estimate is H(Y) for any states. Here only a few principal components
are cut into bins. These components hold less information than the states. The counts are not
corrected, so the estimate exceeds the information in the bins.
"""

import torch
from torch import Tensor

from attinfo.information.estimators.discrete import log_ratio_of_symbols
from attinfo.information.estimators.features import principal, standardised
from attinfo.information.sample import Measured, Sample
from attinfo.option_types import Count

FLAT = 1e-6  # a component whose range is below this share of the widest is one bin: it is rounding


def joint_bins(hidden: Tensor, components: int, bins: int) -> Tensor:
    """[n] int64: the joint bin of the first components, each cut at equal widths."""
    kept = principal(hidden)[0][:, :components]
    low, span = kept.amin(0), kept.amax(0) - kept.amin(0)
    width = span.clamp(min=FLAT * float(span.max()) + 1e-30) / bins
    place = ((kept - low) / width).long().clamp(max=bins - 1)
    return torch.unique(place, dim=0, return_inverse=True)[1]


def binned(sample: Sample, *, components: Count = 3, bins: Count = 4) -> Measured:
    """Equal-width bins of leading principal components, counted; as in information-plane papers.

    Binning every unit, as those papers do, saturates at H(Y). No correction for counting.
    """
    symbol = joint_bins(standardised(sample.hidden), components, bins)
    log = torch.arange(len(symbol) + 1, dtype=torch.float64, device=symbol.device).log()
    pvi = log_ratio_of_symbols(symbol, sample, log)
    return Measured(pvi=pvi[0], gain=None, null=pvi[1:].mean(1))
