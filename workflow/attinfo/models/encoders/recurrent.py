"""The base class of recurrent encoders."""

from typing import ClassVar

import torch
from torch import Tensor, nn


def reversed_texts(states: Tensor, lengths: Tensor) -> Tensor:
    """Reverse the order of the tokens of each text. Padding stays at the end.

    Args:
        states: [B, T, d] a vector for each token.
        lengths: [B] number of tokens of each text.

    Returns:
        [B, T, d] the vectors of each text from its last token to its first, then padding.
    """
    count, longest, _ = states.shape
    place = torch.arange(longest, device=states.device)
    last = lengths.to(states.device)[:, None] - 1
    row = longest * torch.arange(count, device=states.device)[:, None]
    chosen = row + torch.where(place <= last, last - place, place)
    return states.flatten(0, 1).index_select(0, chosen.flatten()).view_as(states)


class Recurrent(nn.Module):
    """A recurrent network over each text, and a second one over the reversed text if wanted.

    Both networks read padding last, so padding does not change the states of tokens. (Packed
    sequences give the same states, but take twice the time.)

    Subclasses set `network`, the class of the network, and `directions`, 1 or 2. With two
    directions each network has half of `width`.

    Args:
        inputs: number of features of an embedded token.
        width: number of features of a hidden state, d.
    """

    network: ClassVar[type[nn.LSTM] | type[nn.GRU]]
    directions: ClassVar[int] = 1

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.networks = nn.ModuleList(
            self.network(inputs, width // self.directions, batch_first=True)
            for _ in range(self.directions)
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        forwards, *backwards = self.networks
        states = [forwards(embedded)[0]]
        for network in backwards:
            reversed_states = network(reversed_texts(embedded, lengths))[0]
            states.append(reversed_texts(reversed_states, lengths))
        return torch.cat(states, dim=-1)
