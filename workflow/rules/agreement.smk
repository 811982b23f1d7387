"""Agreement of attention with information."""

from attinfo.blocks.measures import SIGNED


rule agreement:
    """Rank agreement, gap bins and skew, for all seeds of a cell."""
    input:
        data=prepared,
        states=runs_of(STUDY.seeds, "states.safetensors"),
        importance=runs_of(STUDY.seeds, "importance.parquet"),
        information=estimates_of("information/{estimator}.parquet"),
        pointwise=estimates_of("pointwise/{estimator}.parquet"),
        yardstick=yardstick_of,
    output:
        agreement=f"{GROUPS}/agreement.csv",
        texts=f"{GROUPS}/texts.parquet",
    log:
        log_of("agreement", GROUP),
    benchmark:
        benchmark_of("agreement", GROUP)
    conda:
        env("agreement")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        options=lambda w: {
            "seeds": STUDY.seeds,
            "temperatures": STUDY.temperatures,
            "yardstick": INPUTS.yardstick_options(w.dataset),
            # Of the study's own measures: another one that is registered reruns nothing.
            "signed": [name for name in STUDY.importance.measures if name in SIGNED],
        },
        reads=lambda w: [prepared(w), *yardstick_of(w), *STUDY.information.estimators],
        code=code("agreement.py"),
    script:
        "../scripts/agreement.py"


rule collect:
    """The tables of all cells as one."""
    input:
        agreement=groups_of("agreement.csv"),
        faithfulness=all_runs("faithfulness.parquet"),
        completeness=all_runs("completeness.parquet"),
    output:
        agreement=f"{RESULTS}/agreement.csv",
        faithfulness=f"{RESULTS}/faithfulness.csv",
        completeness=f"{RESULTS}/completeness.csv",
    log:
        log_of("collect", "collect"),
    benchmark:
        benchmark_of("collect", "collect")
    conda:
        env("agreement")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        options={"level": STUDY.statistics.level, "seeds": len(STUDY.seeds)},
        reads=listed(groups_of("agreement.csv"), all_runs("faithfulness.parquet")),
        code=code("collect.py"),
    script:
        "../scripts/collect.py"
