"""How far the estimates can be trusted: known truths, and what follows for each estimate."""

from attinfo.blocks.tasks import TASKS

TASK_MODULES = sorted({task.module for task in TASKS.values()})

EVERY_ESTIMATE = expand(
    all_runs("information/{estimator}.parquet"), estimator=STUDY.information.estimators
)


rule calibrate:
    """Bias and spread of an estimator on the tasks of known information."""
    input:
        data=prepared,
    output:
        calibration=f"{RESULTS}/calibration/{{dataset}}/{{estimator}}.csv",
    log:
        log_of("calibrate", "{dataset}/{estimator}"),
    benchmark:
        benchmark_of("calibrate", "{dataset}/{estimator}")
    conda:
        env("information")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        options=lambda w: OPTIONS.calibration(w.dataset, w.estimator),
        reads=prepared,
        code=estimator_code("calibrate.py", *TASK_MODULES),
    script:
        "../scripts/calibrate.py"


rule trust:
    """All estimates of the study, with what speaks for and against each."""
    input:
        information=EVERY_ESTIMATE,
        calibration=calibrations(),
    output:
        information=f"{RESULTS}/information.parquet",
        calibration=f"{RESULTS}/calibration.csv",
    log:
        log_of("trust", "trust"),
    benchmark:
        benchmark_of("trust", "trust")
    conda:
        env("information")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        reads=listed(EVERY_ESTIMATE, calibrations()),
        code=code("trust.py"),
    script:
        "../scripts/trust.py"
