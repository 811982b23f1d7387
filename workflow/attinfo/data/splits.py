"""Splits: which rows train the models, which stop the training, and which are analysed."""

from collections.abc import Mapping, Sequence

import numpy as np

from attinfo.data.names import PARTS, SPELLINGS, bare, part_of, shown
from attinfo.runtime.errors import InputError, unknown
from attinfo.runtime.seeds import seed_of

Parts = dict[str, np.ndarray]  # split -> row numbers, in order


def split(
    labels: np.ndarray, train: float, dev: float, seed: int, group: np.ndarray | None = None
) -> Parts:
    """Row numbers of the train, dev and test splits: stratified by class, seeded, disjoint.

    Args:
        labels: [n] classes.
        train: share of the training split.
        dev: share of the dev split; the rest of 1 is that of the test split.
        seed: of the draw.
        group: [n] number of the group of each row, or None. No group is cut.
    """
    rng = np.random.default_rng(seed_of("split", seed))
    if group is not None and len(np.unique(group)) < len(group):
        return _whole_groups(labels, (train, dev, 1 - train - dev), group, rng)
    parts: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        cuts = [round(train * len(rows)), round((train + dev) * len(rows))]
        for name, part in zip(parts, np.split(rows, cuts), strict=True):
            parts[name].append(part)
    return {name: np.sort(np.concatenate(rows)) for name, rows in parts.items()}


def _whole_groups(
    labels: np.ndarray, shares: Sequence[float], group: np.ndarray, rng: np.random.Generator
) -> Parts:
    """Each group, the largest first, goes to the split that lacks most of the classes it has.

    What a split lacks of a class is its share of the texts less those it has. Groups of one size
    come in random order. Where no more groups with most of their texts in a class are left than
    there are splits without any text of the class, only those splits are considered: so a class
    of three groups or more is in every split.

    Args:
        shares: of the splits, which add up to 1.
    """
    (_, own), (_, code) = (np.unique(v, return_inverse=True) for v in (group, labels))
    groups, classes = own.max() + 1, code.max() + 1
    held = np.bincount(own * classes + code, minlength=groups * classes).reshape(groups, classes)
    lacking = np.round(np.outer(shares, held.sum(0)), 6)  # [splits, classes]
    wanted, without = np.array(shares) > 1e-9, np.ones(lacking.shape, dtype=bool)
    main = held.argmax(1)
    left = np.bincount(main, minlength=classes)
    order = rng.permutation(groups)
    part = np.zeros(groups, dtype=np.int64)
    for number in order[np.argsort(-held[order].sum(1), kind="stable")]:
        empty = wanted & without[:, main[number]]
        allowed = empty if empty.any() and left[main[number]] <= empty.sum() else wanted
        part[number] = np.where(allowed, lacking @ held[number], -np.inf).argmax()
        lacking[part[number]] -= held[number]
        without[part[number]] &= held[number] == 0
        left[main[number]] -= 1
    return {name: np.flatnonzero(part[own] == place) for place, name in enumerate(PARTS)}


def named(values: np.ndarray) -> np.ndarray:
    """Given splits by our names for them.

    Raises:
        InputError: a value names no split, or no row is of the training split.
    """
    for value in np.unique(np.array([bare(str(value)).lower() for value in values])):
        if part_of(value) is None:
            raise InputError(unknown("split", shown(value), SPELLINGS))
    found = np.array([part_of(str(value)) for value in values], dtype=object)
    if "train" not in found:
        raise InputError("no row is of the split 'train'")
    return found


def complete(
    given: np.ndarray,
    labels: np.ndarray,
    train: float,
    dev: float,
    seed: int,
    group: np.ndarray | None = None,
) -> Parts:
    """The rows of given splits; a dev or test split that is missing is drawn from the train split.

    Args:
        given: [n] train, dev or test for each row; all train where no splits are given.
        labels: [n] classes.
        train: share of the training split if both others are drawn.
        dev: share of the dev split, where it is drawn; the rest of 1 is that of the test split.
        seed: of the draw.
        group: [n] number of the group of each row, or None. The draw cuts no group.
    """
    rows = {part: np.flatnonzero(given == part) for part in PARTS}
    missing = [part for part in ("dev", "test") if len(rows[part]) == 0]
    shares = {
        (): (1.0, 0.0),
        ("dev",): (1 - dev, dev),
        ("test",): (train + dev, 0.0),
        ("dev", "test"): (train, dev),
    }
    own = None if group is None else group[rows["train"]]
    drawn = split(labels[rows["train"]], *shares[tuple(missing)], seed, own)
    return rows | {part: rows["train"][drawn[part]] for part in ("train", *missing)}


def capped(rows: Parts, labels: np.ndarray, caps: Mapping[str, int | None]) -> Parts:
    """At most so many rows of each split: the shares of the classes are kept, the draw is seeded.

    Raises:
        InputError: a cap is above the rows of its split, or below its number of classes.
    """
    kept = {}
    for part, chosen in rows.items():
        cap = caps.get(part)
        kept[part] = chosen if cap is None else _draw(chosen, labels, cap, part, caps["seed"] or 0)
    return kept


def _draw(rows: np.ndarray, labels: np.ndarray, cap: int, part: str, seed: int) -> np.ndarray:
    classes, counts = np.unique(labels[rows], return_counts=True)
    if cap > len(rows):
        raise InputError(f"caps.{part} is {cap}, but the split has {len(rows)} texts")
    if cap < len(classes):
        raise InputError(f"caps.{part} is {cap}, but the split has {len(classes)} classes")
    rng = np.random.default_rng(seed_of("cap", part, seed))
    drawn = [
        rng.permutation(rows[labels[rows] == label])[:number]
        for label, number in zip(classes, apportioned(counts, cap), strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def apportioned(counts: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers that add up to a total, in proportion to counts, none of them zero.

    By largest remainders; a class that would have none takes one from the largest.

    Args:
        counts: [classes], all positive.
        total: from the number of classes to the sum of the counts.

    Returns:
        [classes] numbers, none above its count.
    """
    # In whole numbers, so that equal remainders are equal: the first class then goes first.
    floors, remainders = np.divmod(counts * total, counts.sum())
    numbers = floors
    numbers[np.argsort(-remainders, kind="stable")[: total - floors.sum()]] += 1
    while (numbers == 0).any():
        numbers[np.argmax(numbers)] -= 1
        numbers[np.argmin(numbers)] += 1
    return numbers
