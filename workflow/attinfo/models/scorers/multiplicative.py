"""Multiplicative attention (Luong et al. 2015)."""

from torch import Tensor, nn

from attinfo.models.scorers.dot import Dot


class Multiplicative(Dot):
    """q . W h with a learned query q or the last state as q (Luong et al. 2015, "general")."""

    def __init__(self, width: int, *, query: str = "learned"):
        super().__init__(width, query=query)
        self.transposed = nn.Linear(width, width, bias=False)

    def asked(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """W^T q: one product a text in place of one a token."""
        return self.transposed(super().asked(hidden, lengths))
