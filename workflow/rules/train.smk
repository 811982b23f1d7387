"""One trained model for each run."""


rule train:
    """Weights, history and provenance of one run: a cell, a variant, a seed."""
    input:
        data=prepared,
        teacher=teachers_of,
        vectors=vectors_of,
        # Only must exist: a study that grows checks again, but trains nothing again.
        preflight=ancient(f"{RESULTS}/preflight.json"),
        features=features_of,
        pretrained=fine_tuned_files,
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
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        options=lambda w: {
            **cell_options(w),
            "training": STUDY.training_options(w.dataset),
            "seed": int(w.seed),
        },
    script:
        "../scripts/train.py"
