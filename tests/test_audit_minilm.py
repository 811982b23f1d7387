"""The example that ships: MiniLM fine-tuned on film reviews, then audited, on fewer texts."""

from pathlib import Path

import pandas as pd
from project import copy_of_project, snakemake, write_study
import pytest
import yaml


@pytest.mark.slow
def test_minilm_learns_the_reviews_and_is_audited(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path)
    study = yaml.safe_load((folder / "studies/audit.yaml").read_text("utf-8"))
    study["models"]["minilm"]["fine_tune"]["epochs"] = 1
    study["audit"] = {"texts": 200, "costly_texts": 40, "head_texts": 4, "state_words": 3000}
    study["faithfulness"] |= {"normalised_texts": 4, "longest": 12}
    write_study(folder / "audit.yaml", study)
    done = snakemake(folder, "--configfile", "audit.yaml", timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    own = folder / "results/audit/models/minilm/1"
    assert pd.read_csv(own / "history.csv")["test_accuracy"].iloc[-1] >= 0.8
    columns = pd.read_csv(own / "columns.csv")
    heads = columns[columns["view"] == "cls_head"]
    assert len(heads) == 72 and heads["special"].between(0, 1).all()
    page = (folder / "results/audit/audit.html").read_text("utf-8")
    assert "For this model, on these texts, " in page
