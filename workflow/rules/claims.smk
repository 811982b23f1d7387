"""The verdicts."""


rule claims:
    """Five conclusions as contrasts with intervals; the statistics of every run and cell."""
    input:
        texts=groups_of("texts.parquet"),
        code=code("claims.py"),
    output:
        claims=f"{RESULTS}/claims.csv",
        runs=f"{RESULTS}/runs.csv",
        cells=f"{RESULTS}/cells.csv",
    params:
        statistics=STUDY.statistics.model_dump(),
    log:
        log_of("claims", "claims"),
    benchmark:
        benchmark_of("claims", "claims")
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    conda:
        "../../envs/claims.yaml"
    script:
        "../scripts/claims.py"
