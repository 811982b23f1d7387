"""GRU encoder (Cho et al. 2014)."""

from torch import nn

from attinfo.models.encoders.recurrent import Recurrent


class GRU(Recurrent):
    """GRU: each state has read the text up to its own token (Cho et al. 2014)."""

    network = nn.GRU
