"""BiGRU encoder (Cho et al. 2014)."""

from torch import nn

from attinfo.models.encoders.recurrent import Recurrent


class BiGRU(Recurrent):
    """Bidirectional GRU: each state has read the whole text (Cho et al. 2014)."""

    network, directions = nn.GRU, 2
