"""The page of the study."""

SHOWN = STUDY.shown_runs


rule report:
    """One self-contained page: verdicts, figures, texts token by token, tables, provenance."""
    input:
        claims=f"{RESULTS}/claims.csv",
        cells=f"{RESULTS}/cells.csv",
        runs=f"{RESULTS}/runs.csv",
        information=f"{RESULTS}/information.parquet",
        agreement=f"{RESULTS}/agreement.csv",
        faithfulness=f"{RESULTS}/faithfulness.csv",
        variance=f"{RESULTS}/variance.csv",
        ranks=f"{RESULTS}/ranks.csv",
        published=rules.published.output.published if STUDY.report.published else [],
        figures=rules.figures.output.svg,
        captions=[f"workflow/report/{name}.rst" for name in FIGURES],
        data=[f"results/data/{STUDY.data_key(name)}" for name in STUDY.used_datasets],
        states=[f"{RESULTS}/runs/{run.path}/states.safetensors" for run in SHOWN],
        pointwise=[f"{RESULTS}/runs/{run.path}/pointwise/linear.parquet" for run in SHOWN],
        run=f"{RESULTS}/runs/{SHOWN[0].path}/run.json",
        template="workflow/attinfo/templates/report.html.j2",
        code=code("report.py"),
    output:
        report=report(
            f"{RESULTS}/report.html",
            caption="../report/page.rst",
            category="The page",
        ),
    log:
        log_of("report", "report"),
    benchmark:
        benchmark_of("report", "report")
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        options={
            "study": STUDY.study,
            "level": STUDY.statistics.level,
            "runs": [list(run) for run in SHOWN],
            "datasets": STUDY.used_datasets,
            "figures": DRAWN,
            **STUDY.report.model_dump(),
            "config": STUDY.model_dump(),
        },
    script:
        "../scripts/report.py"
