"""Seeds share a job only where none of them would be made again for the sake of another."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
import pytest

from attinfo.runtime.batches import batches

MADE_FROM = {"model": [], "states": ["model"], "estimates": ["states"], "scores": ["states"]}


def files_of(folder: Path, group: str):
    return lambda seed: {role: str(folder / group / f"{seed}.{role}") for role in MADE_FROM}


def write(folder: Path, group: str, seed: int, times: dict[str, int | None]) -> None:
    for role, time in times.items():
        if time is not None:
            path = folder / group / f"{seed}.{role}"
            path.parent.mkdir(exist_ok=True)
            path.touch()
            os.utime(path, (time, time))


def split(folder: Path, seeds: list[int], size: int, groups: str = "a", **more):
    return batches(seeds, size, [files_of(folder, g) for g in groups], MADE_FROM, **more)


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_seeds_of_a_new_study_share_jobs_in_ascending_order(tmp_path: Path, size: int) -> None:
    seeds = [7, 1, 5, 3, 2]
    expected = [sorted(seeds)[start : start + size] for start in range(0, 5, size)]
    assert split(tmp_path, seeds, size, "ab") == expected


def test_a_finished_seed_never_shares_a_job_with_one_that_is_not(tmp_path: Path) -> None:
    done = {"model": 1, "states": 2, "estimates": 3, "scores": 3}
    for seed in (1, 2):
        write(tmp_path, "a", seed, done)
    assert split(tmp_path, [1, 2, 3, 4], 3) == [[1, 2], [3, 4]]
    # In one of two cells alone, too.
    assert split(tmp_path, [1, 2, 3, 4], 3, "ab") == [[1, 2], [3, 4]]
    write(tmp_path, "a", 3, {"model": 4})
    assert split(tmp_path, [1, 2, 3, 4], 3) == [[1, 2], [3], [4]]


def test_seeds_whose_files_were_made_at_other_times_stay_apart(tmp_path: Path) -> None:
    write(tmp_path, "a", 1, {"model": 1, "states": 2})
    write(tmp_path, "a", 2, {"model": 3, "states": 4})  # newer than the states of seed 1
    write(tmp_path, "a", 3, {"model": 3, "states": 5})
    assert split(tmp_path, [1, 2, 3], 3) == [[1], [2, 3]]


def test_what_a_killed_job_has_left_counts_as_missing(tmp_path: Path) -> None:
    write(tmp_path, "a", 1, {"model": 1})
    assert split(tmp_path, [1, 2], 2) == [[1], [2]]
    left = [str(tmp_path / "a" / "1.model")]
    assert split(tmp_path, [1, 2], 2, unfinished=left) == [[1, 2]]


TIMES = st.fixed_dictionaries({role: st.none() | st.integers(1, 4) for role in MADE_FROM})


@given(
    st.dictionaries(st.integers(0, 9), st.tuples(TIMES, TIMES), min_size=1, max_size=6),
    st.integers(1, 4),
)
def test_a_batch_has_nothing_to_do_where_each_of_its_seeds_has_nothing_to_do(
    runs: dict[int, tuple[dict[str, int | None], ...]], size: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for seed, groups in runs.items():
            for group, times in zip("ab", groups, strict=True):
                write(folder, group, seed, times)
        found = split(folder, list(runs), size, "ab")
    assert sorted(seed for batch in found for seed in batch) == sorted(runs)
    assert all(1 <= len(batch) <= size for batch in found)

    def to_do(seeds: list[int], group: int, role: str) -> bool:
        """Whether Snakemake would make the files of a role for these seeds in one job."""
        own = [runs[seed][group][role] for seed in seeds]
        sources = [runs[s][group][source] for source in MADE_FROM[role] for s in seeds]
        oldest = min((time for time in own if time is not None), default=0)
        return None in own or any(time is not None and time > oldest for time in sources)

    for batch in found:
        for group in (0, 1):
            for role in MADE_FROM:
                each = [to_do([seed], group, role) for seed in batch]
                assert any(each) or not to_do(batch, group, role)
