"""LSTM encoder."""

from torch import nn

from attinfo.models.encoders.recurrent import Recurrent


class LSTM(Recurrent):
    """LSTM: each state has read its text up to its own word (Hochreiter & Schmidhuber 1997)."""

    network = nn.LSTM
