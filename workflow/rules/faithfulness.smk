"""Faithfulness of attention, information and importance."""


rule faithfulness:
    """What deleting tokens in each order does to the prediction, for all seeds of a cell."""
    input:
        data=prepared,
        models=models_of,
        teachers=teachers_of,
        features=features_of,
        pretrained=fine_tuned_files,
        states=seeds_of(f"{RUNS}/states.safetensors"),
        pointwise=seeds_of(f"{RUNS}/pointwise.parquet"),
        importance=seeds_of(f"{RUNS}/importance.parquet"),
        code=code("faithfulness.py"),
    output:
        faithfulness=f"{GROUPS}/faithfulness.parquet",
    log:
        log_of("faithfulness", GROUP),
    benchmark:
        benchmark_of("faithfulness", GROUP)
    conda:
        "../../envs/importance.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        options=lambda w: {
            **cell_options(w),
            "faithfulness": STUDY.faithfulness.model_dump(),
            "seeds": STUDY.seeds,
        },
    script:
        "../scripts/faithfulness.py"
