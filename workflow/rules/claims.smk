"""The verdicts."""


rule claims:
    """The conclusions as contrasts with verdicts; statistics of runs and cells, their ranks."""
    input:
        texts=groups_of("texts.parquet"),
        code=code("claims.py"),
    output:
        claims=f"{RESULTS}/claims.csv",
        runs=f"{RESULTS}/runs.csv",
        cells=f"{RESULTS}/cells.csv",
        variance=f"{RESULTS}/variance.csv",
        ranks=f"{RESULTS}/ranks.csv",
    log:
        log_of("claims", "claims"),
    benchmark:
        benchmark_of("claims", "claims")
    conda:
        "../../envs/claims.yaml"
    threads: 1
    resources:
        # One data set is in memory at a time.
        mem_mb=1000 + 4 * len(STUDY.runs) // len(STUDY.used_datasets),
        runtime=30,
    params:
        options=STUDY.statistics.model_dump(),
    script:
        "../scripts/claims.py"
