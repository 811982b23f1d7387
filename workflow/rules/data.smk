"""Labelled texts: downloaded, tokenised, split."""


rule download:
    """The raw table of a data set, as its source brings it."""
    input:
        local=lambda w: STUDY.local_files(w.key),
        code=code("download.py"),
    output:
        raw="results/data/{key}.raw",
    log:
        "results/data/logs/download/{key}.log",
    benchmark:
        "results/data/benchmarks/download/{key}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        options=lambda w: STUDY.dataset_of(w.key).source,
    script:
        "../scripts/download.py"


rule prepare:
    """Token ids with character offsets, vocabulary and splits of a data set."""
    input:
        raw="results/data/{key}.raw",
        code=code("prepare.py"),
    output:
        data=directory("results/data/{key}"),
    log:
        "results/data/logs/prepare/{key}.log",
    benchmark:
        "results/data/benchmarks/prepare/{key}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        options=lambda w: STUDY.dataset_of(w.key).model_dump(),
    script:
        "../scripts/prepare.py"
