"""The command `python -m attinfo.information`: estimates from a safetensors or two .npy files."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace
from collections.abc import Iterator
import os
from pathlib import Path
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from attinfo.blocks.catalogue import KINDS, block_of, with_defaults
from attinfo.information.api import estimate
from attinfo.information.arrays import FEWEST
from attinfo.information.flags import FLAGS
from attinfo.information.summary import Estimate, measured, summary
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError
from attinfo.runtime.loading import Chosen

if TYPE_CHECKING:
    from attinfo.states.store import States

LAYER = ("output_weight", "output_bias")
COLUMNS = ("mi_nats", "ci_low", "ci_high", "floor_mean", "floor_upper", "h_output")


def arguments() -> ArgumentParser:
    """The arguments of the command."""
    parser = ArgumentParser(
        prog="python -m attinfo.information",
        description="Mutual information between hidden states and a model's output, in nats.",
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a states.safetensors of a study; a .safetensors with the tensors 'hidden' and "
        "'output' (and, for the estimator output_layer, 'output_weight' and 'output_bias'); "
        "or two .npy files, the states and the outputs",
    )
    parser.add_argument(
        "--estimator",
        nargs="+",
        default=["stack"],
        metavar="NAME",
        help=f"of classes: {', '.join(KINDS['estimator'])}; "
        f"of continuous outputs: {', '.join(KINDS['continuous estimator'])}",
    )
    parser.add_argument(
        "--permutations", type=int, default=20, help="of the output, for the permutation null"
    )
    parser.add_argument("--seed", type=int, default=0, help="of folds and permutations")
    own = parser.add_argument_group("of your own arrays")
    own.add_argument(
        "--groups",
        metavar="FILE.npy",
        help="a label for each row: rows of one group are kept together",
    )
    own.add_argument(
        "--output-kind",
        choices=["classes", "continuous"],
        help="of the outputs; by default floats are continuous and all else are classes",
    )
    study = parser.add_argument_group("of a study's states.safetensors")
    study.add_argument("--output", choices=["predicted", "label"], default="predicted")
    study.add_argument("--positions", type=int, default=10)
    study.add_argument("--ranks", type=int, default=10)
    study.add_argument("--min-texts", type=int, default=200, help="units with fewer are left out")
    parser.add_argument("--csv", metavar="FILE", help="write the table there, too")
    return parser


LEAST = {"permutations": 0, "positions": 0, "ranks": 0, "min_texts": FEWEST}


def checked(options: Namespace) -> Namespace:
    """The options, if they can be used; before anything is computed.

    Raises:
        InputError: a number is too small, or the table cannot be written.
    """
    for name, least in LEAST.items():
        value = getattr(options, name)
        if value < least:
            argument = name.replace("_", "-")
            raise InputError(f"--{argument} is {value}, expected {least} or more")
    if options.csv:
        path = Path(options.csv)
        if path.is_dir():
            raise InputError(f"--csv {path}: is a folder, expected the name of a file")
        folder = path.absolute().parent
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"--csv {path}: cannot be written, {folder} is no writable folder")
    return options


def estimates(options: Namespace) -> Iterator[tuple[str, str, Estimate]]:
    """(unit, estimator, estimate) of everything asked for."""
    first, *more = options.files
    arrays = _arrays(first, more)
    if not isinstance(arrays, dict):
        for argument in ("groups", "output_kind"):
            if getattr(options, argument) is not None:
                name = argument.replace("_", "-")
                raise InputError(f"--{name} is for your own arrays, but {first} is of a study")
        yield from _of_study(arrays, options)
        return
    groups = None if options.groups is None else _npy(options.groups)
    for name in options.estimator:
        given = {"seed": options.seed, "permutations": options.permutations}
        given |= {"groups": groups, "output_kind": options.output_kind}
        yield "all", name, estimate(estimator=name, **arrays, **given)


def _estimator(name: str) -> Chosen:
    """An estimator of classes with its default options."""
    return Chosen(name, block_of("estimator", name).path, with_defaults("estimator", name, {}))


def _of_study(states: "States", options: Namespace) -> Iterator[tuple[str, str, Estimate]]:
    from attinfo.information.units import sample_of, units_of

    estimators = [_estimator(name) for name in options.estimator]
    for unit in units_of(states, options.positions, options.ranks, options.min_texts):
        sample = sample_of(states, unit, vars(options))
        for one in estimators:
            label = unit.index if unit.index == "instance" else f"{unit.index} {unit.unit + 1}"
            yield label, one.name, summary(measured(one, sample), sample, one.options)


def _arrays(first: str, more: list[str]) -> "States | dict[str, Any]":
    """The store of a run, or the reader's own arrays by the arguments of `estimate`."""
    for file in (first, *more):
        if not Path(file).is_file():
            raise InputError(f"{file}: expected a file")
    if not more and first.endswith(".safetensors"):
        return _tensors(first)
    if len(more) == 1 and first.endswith(".npy") and more[0].endswith(".npy"):
        return {"hidden": _npy(first), "output": _npy(more[0])}
    raise InputError(
        f"found {' '.join([first, *more])}, expected one .safetensors file or two .npy files"
    )


def _npy(file: str) -> np.ndarray:
    try:
        return np.load(file)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None


def _tensors(file: str) -> "States | dict[str, Any]":
    from safetensors import SafetensorError, safe_open

    from attinfo.states.store import read_states

    try:
        with safe_open(file, framework="pt") as store:
            names = set(store.keys())
            if {"hidden", "offsets"} <= names:
                return read_states(file, hidden=True)
            if {"hidden", "output"} <= names:
                own: dict[str, Any] = {n: store.get_tensor(n) for n in ("hidden", "output")}
                if set(LAYER) <= names:
                    own["output_layer"] = tuple(map(store.get_tensor, LAYER))
                return own
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None
    raise InputError(
        f"{file}: has the tensors {', '.join(sorted(names)) or '(none)'}, "
        "expected 'hidden' and 'output'"
    )


def table(found: Iterator[tuple[str, str, Estimate]]) -> pd.DataFrame:
    """One row for each estimate. Where the output is a function of the state there is no number."""
    rows = []
    for unit, name, made in found:
        row = {"unit": unit, "estimator": name, "n": len(made.pvi)}
        row |= {column: getattr(made, column) for column in COLUMNS}
        if "deterministic_output" in made.flags:
            row |= {"mi_nats": made.h_output or float("inf"), "ci_low": None, "ci_high": None}
        rows.append(row | {"flags": " ".join(made.flags)})
    columns = ["unit", "estimator", "n", *COLUMNS, "flags"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(COLUMNS, float))


def main(argv: list[str] | None = None) -> None:
    """Print the table, and what its flags mean."""
    options = arguments().parse_args(argv)
    try:
        found = table(estimates(checked(options)))
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(found.to_string(index=False, float_format=lambda value: f"{value:.4f}", na_rep="-"))
    raised = {flag for flags in found["flags"] for flag in flags.split()}
    for flag in FLAGS:
        if flag in raised:
            print(f"{flag}: {FLAGS[flag]}")
    if options.csv:
        try:
            with whole(options.csv) as path:
                found.to_csv(path, index=False, lineterminator="\n")
        except OSError as error:
            sys.exit(f"error: --csv {options.csv}: cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
