"""BiLSTM encoder (Hochreiter & Schmidhuber 1997)."""

from torch import nn

from attinfo.models.encoders.recurrent import Recurrent


class BiLSTM(Recurrent):
    """Bidirectional LSTM: each state has read the whole text (Hochreiter & Schmidhuber 1997)."""

    network, directions = nn.LSTM, 2
