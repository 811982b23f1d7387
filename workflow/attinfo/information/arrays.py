"""Conversion of a user's arrays to tensors, from any container.

Lists, NumPy arrays (also masked arrays), pandas and pyarrow columns and tables, and tensors are
accepted. Missing entries are refused: None, NaN, NA, NaT and masked entries.
"""

import sys
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

OutputKind = Literal["classes", "continuous"]
FEWEST = 50  # states
MOST_CLASSES = 1000
LARGEST = 1e150  # a larger number has no square


def states_of(hidden: Any) -> Tensor:
    """[n, d] float32 or float64, as precise as given.

    Raises:
        ValueError: `hidden` is no dense array of finite numbers, or has too few states.
    """
    states = _numbers(_array(hidden, "hidden"), "hidden")
    if states.dim() != 2 or states.shape[1] < 1:
        raise ValueError(f"hidden has shape {tuple(states.shape)}, expected [n, d]")
    if len(states) < FEWEST:
        raise ValueError(f"hidden has {len(states)} states, expected {FEWEST} or more")
    small = states.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.bool)
    states = states.to(torch.float32 if small else torch.float64)
    _finite(states, "hidden")
    return states


def output_of(
    output: Any, kind: OutputKind | None, n: int, device: torch.device
) -> tuple[int, Tensor]:
    """Number of classes and [n] int64 classes; or 0 and [n, c] float64 values.

    Args:
        output: what the user gave.
        kind: of the output; None infers it from the type of its entries.
        n: number of states.
        device: of the result.

    Raises:
        ValueError: `output` is not of this kind, or of another length.
    """
    if kind not in (None, "classes", "continuous"):
        raise ValueError(f"output_kind is {kind!r}, expected 'classes' or 'continuous'")
    array = _array(output, "output")
    shape = tuple(array.shape)
    expected = "[n] classes, or [n] or [n, c] floats"
    if not shape or len(shape) > 2 or 0 in shape[1:]:
        raise ValueError(f"output has shape {shape}, expected {expected}")
    if shape[0] == 0:
        raise ValueError(f"output is empty, expected {expected}")
    if shape[0] != n:
        raise ValueError(f"hidden has {n} states, output {shape[0]}: expected as many")
    labels = isinstance(array, np.ndarray) and array.dtype.kind in "OUS"
    if labels and kind == "continuous":
        raise ValueError("output holds labels, expected numbers (output_kind='continuous')")
    numbers = None if labels else _numbers(array, "output")
    if kind is None and numbers is not None and numbers.is_floating_point():
        _many_values(numbers, n)
        kind = "continuous"
    if numbers is None or kind != "continuous":
        count, classes = _classes(array if numbers is None else numbers, n)
        return count, classes.to(device)
    values = numbers.double().reshape(n, -1).to(device)
    _finite(values, "output")
    return 0, values


def output_layer_of(layer: Any, output: Any, classes: int, states: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [C, d] and biases [C] of the output layer, for the classes that occur.

    Args:
        layer: what the user gave: weights, one row for each class, and biases.
        output: what the user gave. Where the layer has more rows than classes occur, its whole
            numbers are the numbers of rows.
        classes: C, of those that occur.
        states: [n, d].

    Raises:
        ValueError: `layer` is no pair of such arrays.
    """
    if not isinstance(layer, tuple | list) or len(layer) != 2:
        raise ValueError(f"output_layer is a {type(layer).__name__}, expected (weight, bias)")
    names = ("the weight of output_layer", "the bias of output_layer")
    weight, bias = (
        _numbers(_array(part, name), name).to(states.device, torch.float64)
        for part, name in zip(layer, names, strict=True)
    )
    d = states.shape[1]
    if weight.dim() != 2 or weight.shape[1] != d or bias.shape != weight.shape[:1]:
        raise ValueError(
            f"output_layer has a weight of shape {tuple(weight.shape)} and a bias of shape "
            f"{tuple(bias.shape)}, expected [C, {d}] and [C]"
        )
    for part, name in zip((weight, bias), names, strict=True):
        _finite(part, name)
    if len(weight) == classes:
        return weight, bias
    numbers = np.unique(np.asarray(_array(output, "output")))
    if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= len(weight):
        raise ValueError(
            f"output_layer has {len(weight)} rows and output {classes} classes: expected as many, "
            f"or outputs that are whole numbers of rows, 0 to {len(weight) - 1}"
        )
    rows = torch.from_numpy(numbers.astype(np.int64)).to(states.device)
    return weight[rows], bias[rows]


def groups_of(groups: Any, n: int, fewest: int) -> Tensor | None:
    """[n] int64 numbers of the groups of the rows, from 0; None where each row is its own group.

    Raises:
        ValueError: `groups` has another length, missing entries, or fewer than `fewest` groups.
    """
    array = _array(groups, "groups")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"groups has shape {tuple(array.shape)}, expected [n] labels of groups")
    if len(array) != n:
        raise ValueError(f"hidden has {n} states, groups {len(array)}: expected as many")
    labels = array.cpu().numpy() if isinstance(array, Tensor) else array
    if labels.dtype.kind == "f":
        _finite(torch.from_numpy(labels), "groups")
    import pandas as pd  # here and below: it takes 0.15 s, and most arrays need none of it

    number, names = pd.factorize(_hashable(labels, "groups"))
    if len(names) < fewest:
        raise ValueError(
            f"groups has {len(names)} distinct groups, expected {fewest} or more, one for each fold"
        )
    return None if len(names) == n else torch.from_numpy(number.astype(np.int64))


def _is_pandas(values: Any) -> bool:
    """Whether values are a column, a table or an array of pandas or of an extension of it."""
    if "pandas" not in sys.modules:
        return False
    import pandas as pd

    kinds = pd.Series | pd.DataFrame | pd.Index | pd.api.extensions.ExtensionArray
    return isinstance(values, kinds)


def _array(values: Any, name: str) -> np.ndarray | Tensor:
    """The values as an array or a tensor, none of them missing."""
    if isinstance(values, Tensor):
        if values.layout != torch.strided or values.is_nested:
            raise ValueError(f"{name} is a sparse or nested tensor, expected a dense one")
        if values.is_meta:
            raise ValueError(f"{name} is a tensor without values (of the device 'meta')")
        if values.is_quantized:
            values = values.dequantize()
        # A copy outside of inference mode: what is computed of it may need gradients.
        values = values.detach().clone().resolve_conj().resolve_neg()
        return values if values.is_floating_point() or values.is_complex() else _native(values)
    if hasattr(values, "tocsr"):
        raise ValueError(f"{name} is a sparse matrix, expected a dense array")
    if type(values).__module__.split(".")[0] in ("pyarrow", "polars") and hasattr(
        values, "to_pandas"
    ):
        values = values.to_pandas()
    if _is_pandas(values):
        import pandas as pd

        _none_missing(np.asarray(pd.isna(values)), name)
        values = np.asarray(values)
    elif not isinstance(values, np.ndarray):
        values = _of_sequence(values, name)
    if isinstance(values, np.ma.MaskedArray):
        _none_missing(np.ma.getmaskarray(values), name)
        values = values.data
    if values.dtype.kind in "OmM" and values.ndim:
        import pandas as pd

        _none_missing(pd.isna(values), name)
    if values.dtype.kind in "mMV":
        raise ValueError(f"{name} holds entries of type {values.dtype}, expected numbers or labels")
    if values.dtype.kind == "O" and values.size:
        return _of_objects(values)
    return values


def _native(values: Tensor) -> Tensor:
    """Unsigned integers of several bytes, for which torch lacks most operations, as int64."""
    unsigned = (torch.uint16, torch.uint32, torch.uint64)
    return values.to(torch.int64) if values.dtype in unsigned else values


def _of_sequence(values: Any, name: str) -> np.ndarray:
    """A list, tuple or whatever else NumPy takes, without turning what is missing into text."""
    if isinstance(values, list | tuple):
        if any(isinstance(value, Tensor) for value in values):
            values = [
                value.detach().cpu().double().numpy() if isinstance(value, Tensor) else value
                for value in values
            ]
        masked = np.array([value is np.ma.masked for value in values], dtype=bool)
        _none_missing(masked, name)
        if any(isinstance(value, np.ma.MaskedArray) for value in values):
            return np.ma.stack(values)
    try:
        array = np.asarray(values)
        if array.dtype.kind in "US":  # text would hide None and NaN
            array = np.asarray(values, dtype=object)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    return array


def _of_objects(values: np.ndarray) -> np.ndarray:
    """An array of objects as one of numbers, if all are numbers."""
    try:
        numbers = np.array(values.tolist())
    except (TypeError, ValueError):
        return values
    return numbers if numbers.dtype.kind in "biufc" and numbers.shape == values.shape else values


def _none_missing(missing: np.ndarray, name: str) -> None:
    """Refuse entries that are missing ([n, ...] bool)."""
    if missing.any():
        row = int(np.argwhere(missing)[0][0])
        raise ValueError(
            f"{name} has {int(missing.sum())} missing values, the first in row {row}: expected "
            "none; leave those rows out of every argument"
        )


def _numbers(array: np.ndarray | Tensor, name: str) -> Tensor:
    """The numbers as a tensor."""
    if not isinstance(array, Tensor):
        try:
            if array.dtype.kind not in "biufc":
                raise TypeError(f"its entries are of type {array.dtype}")
            kind = np.float64 if array.dtype.kind == "f" and array.dtype.itemsize > 8 else None
            # A copy, native and in order: torch takes no others.
            array = np.array(array, dtype=kind, order="C")
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
            return _numbers(_native(torch.from_numpy(array)), name)
        except (TypeError, RuntimeError) as error:
            raise ValueError(f"{name} is not an array of numbers: {error}") from None
    if array.is_complex():
        raise ValueError(f"{name} is complex, expected real numbers")
    return array


def _finite(values: Tensor, name: str) -> None:
    """Refuse NaN, infinite and extremely large numbers ([n] or [n, d])."""
    wrong = ~values.isfinite()
    if bool(wrong.any()):
        place = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"{name} has {int(wrong.sum())} values that are NaN or infinite, "
            f"the first at {place}: expected finite numbers"
        )
    largest = float(values.abs().max())
    if largest > LARGEST:
        raise ValueError(
            f"{name} has values as large as {largest:.2g}, expected at most {LARGEST:.0e} in size: "
            "divide all by one number"
        )


def _many_values(values: Tensor, n: int) -> None:
    """Refuse floats that may be classes: the user must say what they are."""
    _finite(values, "output")
    for column in values.double().reshape(n, -1).T:
        distinct = len(column.unique())
        if 1 < distinct < n / 2:
            raise ValueError(
                f"output is floats with {distinct} distinct values in {n} texts: pass "
                "output_kind='continuous' if they are numbers; pass classes as whole numbers, or "
                "with output_kind='classes'"
            )


def _classes(array: np.ndarray | Tensor, n: int) -> tuple[int, Tensor]:
    """Number of classes and [n] int64 classes, in the order of their names."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"output has shape {tuple(array.shape)}, expected [n] classes")
    if isinstance(array, Tensor):
        if array.is_floating_point():
            array = array.double()
            _finite(array, "output")
        names, classes = array.unique(return_inverse=True)
    else:
        text = _hashable(array, "output").astype(str)
        names, inverse = np.unique(text, return_inverse=True)
        classes = torch.from_numpy(inverse.reshape(n))
    if len(names) > MOST_CLASSES or len(names) > n / 2:
        raise ValueError(
            f"output has {len(names)} classes in {n} texts, expected fewer; pass a continuous "
            "output as floats, or with output_kind='continuous'"
        )
    return len(names), classes


def _hashable(values: np.ndarray, name: str) -> np.ndarray:
    """The values, if each may be a label."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "latin-1")
    if values.dtype.kind == "O":
        for row, value in enumerate(values):
            if isinstance(value, list | dict | set | np.ndarray | Tensor):
                found = type(value).__name__
                raise ValueError(f"{name} holds a {found} in row {row}, expected labels or numbers")
    return values
