"""The best and the worst order of the tokens of a text by AOPC, sought by beam search.

A search asks how far the probability falls for some sets of top tokens, and goes on when it is
told. So the searches of all texts run side by side, and a model reads what they ask for at once.
"""

from collections.abc import Callable, Generator

import numpy as np

# Texts [S], the top tokens of each [S, T] bool, with all beyond its end -> fall [S].
Value = Callable[[np.ndarray, np.ndarray], np.ndarray]


def bounds(value: Value, sizes: np.ndarray, tokens: np.ndarray, width: int) -> np.ndarray:
    """[B, 2] the lowest and the highest AOPC of any order of the tokens of each text.

    Exact where `width` is no less than the number of sets of any size, else within the true ones.

    Args:
        value: how far the probability falls, given which tokens are the top ones.
        sizes: [B, K] numbers of top tokens over which AOPC is the mean, 1 or more.
        tokens: [B] of the texts.
        width: of the beam.
    """
    beyond = np.arange(tokens.max()) >= tokens[:, None]
    searches = [
        _search(sign, own, start, width)
        for own, start in zip(sizes, beyond, strict=True)
        for sign in (-1, 1)
    ]
    found = np.empty(len(searches))
    asked = {number: next(search) for number, search in enumerate(searches)}
    while asked:
        numbers, count = list(asked), [len(top) for top in asked.values()]
        fall = value(np.repeat(numbers, count) // 2, np.concatenate(list(asked.values())))
        for number, told in zip(numbers, np.split(fall, np.cumsum(count)[:-1]), strict=True):
            try:
                asked[number] = searches[number].send(told)
            except StopIteration as end:
                found[number] = end.value
                del asked[number]
    # Each is of some order, so that a narrow beam may mix them up.
    return np.sort(found.reshape(-1, 2), axis=1)


def _search(
    sign: int, sizes: np.ndarray, beyond: np.ndarray, width: int
) -> Generator[np.ndarray, np.ndarray, float]:
    """The lowest (sign -1) or highest (1) AOPC; asks for the falls of sets [S, T], see `bounds`."""
    share = np.bincount(sizes) / len(sizes)  # of AOPC that sets of a size make
    rest = share[::-1].cumsum()[::-1]
    top, total = beyond[None], np.zeros(1)
    for size in range(1, len(share)):
        parent, added = np.nonzero(~top)
        order = np.argsort(-total[parent], kind="stable")  # of one set the best way to it counts
        grown = top[parent[order]]
        grown[np.arange(len(grown)), added[order]] = True
        _, first = np.unique(np.packbits(grown, axis=1), axis=0, return_index=True)
        top, total = grown[first], total[parent[order][first]]
        fall = sign * (yield top)
        # What a set promises: that the fall stays what it is. After the last size it is the total.
        best = np.argsort(-(total + rest[size] * fall), kind="stable")[:width]
        top, total = top[best], (total + share[size] * fall)[best]
    return sign * float(total.max())
