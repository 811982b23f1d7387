"""Which runs the report shows the texts of."""

from attinfo.config.grid import Run
from attinfo.config.study import Study


def shown_runs(study: Study) -> list[Run]:
    """The runs whose texts the report shows, all of the first data set.

    They are the first run, one run with the same encoder for each other scorer, and one run
    for each other encoder. Runs of the variant `trained` are preferred.
    """
    candidates = [run for run in study.runs if run.dataset == study.used_datasets[0]]
    candidates.sort(key=lambda run: run.variant != "trained")
    first = candidates[0]
    shown: dict[tuple[str, str], Run] = {}
    for run in candidates:
        if run.encoder == first.encoder:
            shown.setdefault((run.encoder, run.attention), run)
    for run in candidates:
        if run.encoder not in {encoder for encoder, _ in shown}:
            shown[run.encoder, run.attention] = run
    return list(shown.values())
