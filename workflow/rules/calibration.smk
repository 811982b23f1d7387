"""How far the estimates can be trusted: known truths, and what follows for each estimate."""


rule calibrate:
    """Bias and spread of the estimators on one task of known information."""
    input:
        data=prepared,
        code=code("calibrate.py"),
    output:
        calibration=f"{RESULTS}/calibration/{{dataset}}/{{task}}.csv",
    log:
        log_of("calibrate", "{dataset}/{task}"),
    benchmark:
        benchmark_of("calibrate", "{dataset}/{task}")
    conda:
        "../../envs/information.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        options=lambda w: STUDY.calibration_options(w.dataset),
    script:
        "../scripts/calibrate.py"


rule trust:
    """All estimates of the study, with what speaks for and against each."""
    input:
        information=groups_of("information.parquet"),
        calibration=expand(
            f"{RESULTS}/calibration/{{dataset}}/{{task}}.csv",
            dataset=STUDY.used_datasets,
            task=TASKS,
        ),
        code=code("trust.py"),
    output:
        information=f"{RESULTS}/information.parquet",
        calibration=f"{RESULTS}/calibration.csv",
    log:
        log_of("trust", "trust"),
    benchmark:
        benchmark_of("trust", "trust")
    conda:
        "../../envs/information.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    script:
        "../scripts/trust.py"
