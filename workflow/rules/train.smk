"""One trained model for each run."""


rule train:
    """Weights, history and provenance of one run: a cell, a variant, a seed."""
    input:
        data=prepared,
        code=code("train.py"),
    output:
        weights=f"{RUNS}/model.safetensors",
        history=f"{RUNS}/history.csv",
        run=f"{RUNS}/run.json",
    log:
        log_of("train", f"{GROUP}/{{seed}}"),
    benchmark:
        benchmark_of("train", f"{GROUP}/{{seed}}")
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=120,
    params:
        options=lambda w: {
            "model": cell_options(w),
            "training": STUDY.training.model_dump(),
            "variant": w.variant,
            "seed": int(w.seed),
        },
    script:
        "../scripts/train.py"
