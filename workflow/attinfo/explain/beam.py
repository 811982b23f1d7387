"""Bounds of AOPC over all orders of the tokens of a text, by beam search (Edin et al. 2025).

A search is a generator: it yields sets of top tokens and receives the falls of the probability
for them. The searches of all texts run side by side, so that a model can read the sets of all of
them in common batches.
"""

from collections.abc import Callable, Generator

import numpy as np

# Indices [S] of texts, their top tokens [S, T] bool (True beyond the end of a text) -> falls [S].
Fall = Callable[[np.ndarray, np.ndarray], np.ndarray]


def bounds(fall: Fall, sizes: np.ndarray, tokens: np.ndarray, width: int) -> np.ndarray:
    """Find the lowest and the highest AOPC that an order of the tokens of a text can have.

    The bounds are exact if `width` is at least the number of sets of any one size. Otherwise they
    lie within the true bounds.

    Args:
        fall: the decrease of the probability for sets of top tokens.
        sizes: [B, K] numbers of top tokens, 1 or more; AOPC is the mean over them.
        tokens: [B] number of tokens of each text.
        width: number of sets that a search keeps of each size.

    Returns:
        [B, 2] the lowest and the highest AOPC of each text.
    """
    beyond = np.arange(tokens.max()) >= tokens[:, None]
    searches = [
        _search(sign, sizes_of_text, padding, width)
        for sizes_of_text, padding in zip(sizes, beyond, strict=True)
        for sign in (-1, 1)
    ]
    aopc = np.empty(len(searches))
    requests = {number: next(search) for number, search in enumerate(searches)}
    while requests:
        numbers, count = list(requests), [len(top) for top in requests.values()]
        falls = fall(np.repeat(numbers, count) // 2, np.concatenate(list(requests.values())))
        for number, answer in zip(numbers, np.split(falls, np.cumsum(count)[:-1]), strict=True):
            try:
                requests[number] = searches[number].send(answer)
            except StopIteration as end:
                aopc[number] = end.value
                del requests[number]
    # Both values are AOPCs of some order. With a narrow beam the "lowest" can be the higher one.
    return np.sort(aopc.reshape(-1, 2), axis=1)


def _search(
    sign: int, sizes: np.ndarray, beyond: np.ndarray, width: int
) -> Generator[np.ndarray, np.ndarray, float]:
    """Search for the lowest or the highest AOPC of one text.

    Args:
        sign: -1 for the lowest AOPC, 1 for the highest.
        sizes: [K] numbers of top tokens over which AOPC is the mean.
        beyond: [T] which positions are beyond the end of the text.
        width: number of sets that the search keeps of each size.

    Yields:
        [S, T] sets of top tokens; receives their falls [S].

    Returns:
        The AOPC.
    """
    share = np.bincount(sizes) / len(sizes)  # weight of the sets of each size in AOPC
    rest = share[::-1].cumsum()[::-1]
    top, total = beyond[None], np.zeros(1)
    for size in range(1, len(share)):
        parent, added = np.nonzero(~top)
        order = np.argsort(-total[parent], kind="stable")  # the best parent of a set comes first
        grown = top[parent[order]]
        grown[np.arange(len(grown)), added[order]] = True
        _, first = np.unique(np.packbits(grown, axis=1), axis=0, return_index=True)
        top, total = grown[first], total[parent[order][first]]
        fall = sign * (yield top)
        # Keep the sets with the best AOPC, assuming that the fall stays the same for larger sizes.
        best = np.argsort(-(total + rest[size] * fall), kind="stable")[:width]
        top, total = top[best], (total + share[size] * fall)[best]
    return sign * float(total.max())
