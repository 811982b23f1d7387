"""Multiplicative attention (Luong et al. 2015)."""

from torch import Tensor, nn

from attinfo.models.scorers.dot import Dot


class Multiplicative(Dot):
    """q . W h (Luong et al. 2015, "general").

    Args:
        width: number of features of a hidden state, d.
        conditioned: whether q is the encoded query of each text, which `forward` receives.
        query: `learned`: q is one learned vector for all texts; `last`: q is the last state h_n
            of the text.
        init: initial scale of a learned q, see `initial.set_scale`.
    """

    def add_weights(self, width: int) -> None:  # noqa: D102
        self.transposed = nn.Linear(width, width, bias=False)

    def query_of(self, hidden: Tensor, lengths: Tensor, given: Tensor | None) -> Tensor:
        """W^T q: one product for each text instead of one for each token."""
        return self.transposed(super().query_of(hidden, lengths, given))
