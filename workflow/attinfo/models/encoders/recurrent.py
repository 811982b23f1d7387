"""What recurrent encoders share."""

from typing import ClassVar

import torch
from torch import Tensor, nn


def turned(states: Tensor, lengths: Tensor) -> Tensor:
    """States [B, T, d] of texts of these lengths [B] from the last to the first, then padding."""
    count, longest, _ = states.shape
    place = torch.arange(longest, device=states.device)
    last = lengths.to(states.device)[:, None] - 1
    row = longest * torch.arange(count, device=states.device)[:, None]
    chosen = row + torch.where(place <= last, last - place, place)
    return states.flatten(0, 1).index_select(0, chosen.flatten()).view_as(states)


class Recurrent(nn.Module):
    """What recurrent encoders share: a network that reads texts, and one that reads them backwards.

    Padding comes last either way, so no state of a token has read it. (Packed sequences would do
    as well, in twice the time.)
    """

    network: ClassVar[type[nn.RNNBase]]
    directions: ClassVar[int] = 1

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.networks = nn.ModuleList(
            self.network(inputs, width // self.directions, batch_first=True)
            for _ in range(self.directions)
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        onwards, *backwards = self.networks
        states = [onwards(embedded)[0]]
        for network in backwards:
            states.append(turned(network(turned(embedded, lengths))[0], lengths))
        return torch.cat(states, dim=-1)
