"""LSTM encoder (Hochreiter & Schmidhuber 1997)."""

from torch import nn

from attinfo.models.encoders.recurrent import Recurrent


class LSTM(Recurrent):
    """LSTM: each state has read the text up to its own token (Hochreiter & Schmidhuber 1997)."""

    network = nn.LSTM
