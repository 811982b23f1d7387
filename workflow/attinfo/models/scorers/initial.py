"""The rule of a scorer's initial scale: how large its first scores are."""

import torch
from torch import Tensor, nn

TEXTS, TOKENS = 64, 64  # generated states that `unit` measures scores on


def set_scale(
    scorer: nn.Module, vector: Tensor, width: int, init: str, conditioned: bool = False
) -> None:
    """Set the initial scale of a scorer by the vector that its scores are linear in.

    The vector is v of `additive` and `deep`, and the query q of the dot products. The caller has
    drawn it from U(-1/sqrt(n), 1/sqrt(n)), n its length, as `nn.Linear` does. All other weights
    stay as `nn.Linear` draws them.

    Args:
        scorer: the scorer with all of its initial weights.
        vector: the vector, a part of the scorer; changed in place.
        width: number of features of a hidden state, d.
        init: `unit`: scale the vector so that the scores of a text have standard deviation one, on
            average over texts, where the features of the states are independent and standard
            normal, and so are those of the query. `linear`: leave the vector as it was drawn.
            `normal`: draw it from N(0, 1).
        conditioned: whether the scorer receives an encoded query.

    Reference: Vaswani et al. 2017, section 3.2.1, divide by sqrt(d) so that scores have variance
    one on such states. `linear` is the start of Jain & Wallace 2019.
    """
    with torch.no_grad():
        if init == "normal":
            nn.init.normal_(vector)
        elif init == "unit":
            states = torch.randn(TEXTS, TOKENS, width)
            query = (torch.randn(TEXTS, width),) if conditioned else ()
            scores = scorer(states, torch.full((TEXTS,), TOKENS), *query)
            vector.div_(scores.var(dim=1).mean().sqrt())
