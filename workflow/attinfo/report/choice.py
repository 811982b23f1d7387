"""The choice of texts that are shown word by word."""

import numpy as np

AGREEMENT = ("high", "low")  # the upper and the lower quarter of the texts
GROUPS = [(right, agreement) for right in (True, False) for agreement in AGREEMENT]


def name_of(group: tuple[bool, str]) -> str:
    """The name of a group, such as "predicted right, high agreement"."""
    return f"predicted {'right' if group[0] else 'wrong'}, {group[1]} agreement"


def in_turn(
    tau: np.ndarray,
    right: np.ndarray,
    candidates: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> dict[int, tuple[bool, str]]:
    """Draw texts from the groups in turn. No text is drawn twice.

    Args:
        tau: [texts] agreement of two orders of the words.
        right: [texts] bool, whether the prediction is right.
        candidates: [texts] bool, the texts that may be drawn; they have a tau.
        count: the largest number of texts.
        rng: for the draw.

    Returns:
        Text -> whether the prediction is right, and "high" or "low" agreement; group by group.
    """
    if not candidates.any():
        return {}
    low, high = np.quantile(tau[candidates], [0.25, 0.75])
    ends = {"high": tau >= high, "low": tau <= low}
    pools = [
        list(rng.permutation(np.flatnonzero(candidates & (right == is_right) & ends[agreement])))
        for is_right, agreement in GROUPS
    ]
    chosen: dict[int, tuple[bool, str]] = {}
    while len(chosen) < count and any(pools):
        for group, pool in zip(GROUPS, pools, strict=True):
            if pool and len(chosen) < count:
                chosen.setdefault(int(pool[0]), group)
            del pool[:1]
    return {text: group for group in GROUPS for text, own in chosen.items() if own == group}
