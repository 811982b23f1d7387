"""How well attention and information find the tokens that are known to decide the label."""

import numpy as np

from attinfo.states.store import States


def found_by_text(states: States, gain: np.ndarray, decisive: np.ndarray) -> dict[str, np.ndarray]:
    """Compare weights and gain with the decisive tokens of each text.

    Args:
        states: of the run.
        gain: [tokens].
        decisive: [tokens] bool, known by construction.

    Returns:
        [texts] each. `hit_attention` and `hit_gain`: 1 if the token with the largest score or gain
        is decisive, a share if several tokens tie for it, NaN if all scores of the text are equal.
        `decisive_attention`: the weight on the decisive tokens. `decisive_gain`: the mean gain of
        the decisive tokens less that of the others, in nats.
    """
    starts = states.offsets[:-1]

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values.astype(np.float64), starts)

    def hit(values: np.ndarray) -> np.ndarray:
        top = values == np.repeat(np.maximum.reduceat(values, starts), states.lengths)
        return total(top & decisive) / total(top)

    constant = np.maximum.reduceat(states.score, starts) == np.minimum.reduceat(
        states.score, starts
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        others = total(gain * ~decisive) / total(~decisive)
        return {
            "hit_attention": np.where(constant, np.nan, hit(states.score)),
            "hit_gain": hit(gain),
            "decisive_attention": total(states.attention * decisive),
            "decisive_gain": total(gain * decisive) / total(decisive) - others,
        }
