"""Rows shared among threads: each is worked on once, and torch gets its threads back."""

import pytest
import torch
from torch import Tensor

from attinfo.information.neighbors.threads import by_rows, one_thread


@pytest.fixture(autouse=True)
def _three_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_each_row_is_worked_on_once_and_torch_shares_nothing(rows: int) -> None:
    times, shared = torch.zeros(rows, dtype=torch.int64), []

    def work(some: Tensor) -> None:
        times[some] += 1
        shared.append(torch.get_num_threads())

    with one_thread() as threads:
        by_rows(work, torch.arange(rows), threads)
    assert (times == 1).all()
    assert shared == [1] * min(rows, 3)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("row", [0, 99])
def test_what_goes_wrong_in_a_thread_is_raised(row: int) -> None:
    def work(some: Tensor) -> None:
        if row in some.tolist():
            raise ValueError("row")

    with pytest.raises(ValueError, match="row"), one_thread() as threads:
        by_rows(work, torch.arange(100), threads)
    assert torch.get_num_threads() == 3
