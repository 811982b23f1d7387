"""GRU encoder."""

from torch import nn

from attinfo.models.encoders.recurrent import Recurrent


class GRU(Recurrent):
    """GRU: each state has read its text up to its own word (Cho et al. 2014)."""

    network = nn.GRU
