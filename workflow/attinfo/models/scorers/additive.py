"""Additive attention (Bahdanau et al. 2015)."""

from torch import Tensor, nn

from attinfo.models.scorers.initial import set_scale
from attinfo.models.scorers.query import last_state


class Additive(nn.Module):
    """v . tanh(W h + b), or with a query v . tanh(W h + U q + b) (Bahdanau et al. 2015).

    A classifier has no decoder state to serve as a query. So there is none by default, as in Jain
    & Wallace 2019. With `query="last"` the last state h_n of the text is the query; `conditioned`,
    q is the encoded second text.

    Args:
        width: number of features of a hidden state, d.
        conditioned: whether `forward` receives the encoded query of each text.
        query: `none` or `last`.
        init: initial scale of v, see `initial.set_scale`.
    """

    def __init__(
        self, width: int, conditioned: bool = False, *, query: str = "none", init: str = "unit"
    ):
        super().__init__()
        self.hidden = nn.Linear(width, width // 2)
        self.out = nn.Linear(width // 2, 1, bias=False)
        self.last = nn.Linear(width, width // 2, bias=False) if query == "last" else None
        self.given = nn.Linear(width, width // 2, bias=False) if conditioned else None
        set_scale(self, self.out.weight, width, init, conditioned)

    def forward(  # noqa: D102
        self, hidden: Tensor, lengths: Tensor, query: Tensor | None = None
    ) -> Tensor:
        features = self.hidden(hidden)
        if self.given is not None:
            features = features + self.given(query).unsqueeze(1)
        if self.last is not None:
            features = features + self.last(last_state(hidden, lengths)).unsqueeze(1)
        return self.out(features.tanh()).squeeze(-1)
