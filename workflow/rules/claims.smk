"""The verdicts."""


rule claims:
    """The conclusions as contrasts with verdicts, and what each hangs on; statistics, ranks."""
    input:
        texts=groups_of("texts.parquet"),
        training=f"{RESULTS}/training.csv",
    output:
        claims=f"{RESULTS}/claims.csv",
        specifications=f"{RESULTS}/specifications.csv",
        runs=f"{RESULTS}/runs.csv",
        cells=f"{RESULTS}/cells.csv",
        variance=f"{RESULTS}/variance.csv",
        ranks=f"{RESULTS}/ranks.csv",
        study=f"{RESULTS}/study.json",
    log:
        log_of("claims", "claims"),
    benchmark:
        benchmark_of("claims", "claims")
    conda:
        env("claims")
    threads: 1
    resources:
        # One data set is in memory at a time.
        mem_mb=growing(1000 + 5 * len(STUDY.runs) // len(STUDY.used_datasets)),
        runtime=growing(30),
    params:
        options={
            "study": STUDY.study,
            "statistics": STUDY.statistics.model_dump(),
            "names": OPTIONS.names(),
        },
        reads=listed(groups_of("texts.parquet")),
        code=code("claims.py"),
    script:
        "../scripts/claims.py"


rule across:
    """The effects over data sets: their mean, the range on a new one, what they go with."""
    input:
        claims=rules.claims.output.claims,
        runs=rules.claims.output.runs,
        data=PREPARED,
    output:
        across=f"{RESULTS}/across.csv",
        moderators=f"{RESULTS}/moderators.csv",
    log:
        log_of("across", "across"),
    benchmark:
        benchmark_of("across", "across")
    conda:
        env("claims")
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        options={"level": STUDY.statistics.level, "datasets": STUDY.used_datasets},
        reads=listed(PREPARED),
        code=code("across.py"),
    script:
        "../scripts/across.py"


rule published:
    """What others have published, beside the study's own numbers."""
    input:
        runs=rules.claims.output.runs,
        published=lambda w: STUDY.report.published or [],
    output:
        published=f"{RESULTS}/published.csv",
    log:
        log_of("published", "published"),
    benchmark:
        benchmark_of("published", "published")
    conda:
        env("claims")
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        options={"level": STUDY.statistics.level},
        reads=STUDY.report.published,
        code=code("published.py"),
    script:
        "../scripts/published.py"
