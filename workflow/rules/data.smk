"""Labelled texts: downloaded, tokenised, split."""

VECTORS = [vectors_path(*pair) for *pair, _ in INPUTS.embeddings_from_vectors]


rule download:
    """A raw table, as its source brings it; data sets that read the same one share it."""
    input:
        local=lambda w: INPUTS.local_files(w.source),
    output:
        raw="results/data/raw/{source}.parquet",
    log:
        "results/data/logs/download/{source}.log",
    benchmark:
        "results/data/benchmarks/download/{source}.tsv"
    conda:
        env("data")
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(30),
    params:
        options=lambda w: OPTIONS.source(w.source),
        reads=lambda w: INPUTS.local_files(w.source),
        code=lambda w: code("download.py", OPTIONS.source(w.source)["path"].split(":")[0]),
    script:
        "../scripts/download.py"


rule prepare:
    """Token ids with character offsets, vocabulary and splits of a data set."""
    input:
        raw=lambda w: f"results/data/raw/{INPUTS.source_key(INPUTS.dataset_of(w.key))}.parquet",
    output:
        data=directory("results/data/{key}"),
    log:
        "results/data/logs/prepare/{key}.log",
    benchmark:
        "results/data/benchmarks/prepare/{key}.tsv"
    conda:
        env("data")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        options=lambda w: INPUTS.prepare_options(INPUTS.dataset_of(w.key)),
        code=code("prepare.py"),
    script:
        "../scripts/prepare.py"


rule preflight:
    """Data, caps and packages fit the study: known before anything is trained."""
    input:
        data=PREPARED,
        vectors=VECTORS,
        scores=[path for name in STUDY.used_datasets for path in INPUTS.scores(name)],
    output:
        checked=f"{RESULTS}/preflight.json",
    log:
        log_of("preflight", "preflight"),
    benchmark:
        benchmark_of("preflight", "preflight")
    conda:
        env("importance")
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        options=OPTIONS.preflight(),
        reads=listed(PREPARED, VECTORS),
        code=code("preflight.py"),
    script:
        "../scripts/preflight.py"
