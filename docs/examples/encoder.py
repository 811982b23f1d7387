"""A word encoder: each state reads its word and the word before it."""

import torch
from torch import Tensor, nn


class Bigram(nn.Module):
    """tanh(W e_i + U e_(i-1) + b), with e_0 = 0.

    Args:
        inputs: features of an embedded word.
        width: features of a hidden state.
    """

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.own = nn.Linear(inputs, width)
        self.before = nn.Linear(inputs, width, bias=False)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Encode words [B, T, inputs]; returns states [B, T, width].

        Padding follows the last word of a text, and no state reads a later word. So padding does
        not change the states of words.
        """
        before = nn.functional.pad(embedded, (0, 0, 1, 0))[:, :-1]
        return (self.own(embedded) + self.before(before)).tanh()


if __name__ == "__main__":
    torch.manual_seed(0)
    words = torch.randn(1, 4, 6)  # one text of four words
    print(Bigram(inputs=6, width=8)(words, torch.tensor([4])).shape)
