"""The page of the study, and what stands beside it."""

from attinfo.report.shown_runs import shown_runs

SHOWN = shown_runs(STUDY)
RECORDS = all_models("run.json")


rule report:
    """One self-contained page: verdicts, figures, texts word by word, tables, provenance."""
    input:
        claims=f"{RESULTS}/claims.csv",
        specifications=f"{RESULTS}/specifications.csv",
        across=f"{RESULTS}/across.csv",
        moderators=f"{RESULTS}/moderators.csv",
        training=f"{RESULTS}/training.csv",
        cells=f"{RESULTS}/cells.csv",
        runs=f"{RESULTS}/runs.csv",
        information=f"{RESULTS}/information.parquet",
        calibration=f"{RESULTS}/calibration.csv",
        agreement=f"{RESULTS}/agreement.csv",
        faithfulness=f"{RESULTS}/faithfulness.csv",
        completeness=f"{RESULTS}/completeness.csv",
        variance=f"{RESULTS}/variance.csv",
        ranks=f"{RESULTS}/ranks.csv",
        published=rules.published.output.published if STUDY.report.published else [],
        figures=rules.figures.output,
        data=PREPARED,
        states=[f"{RESULTS}/runs/{run.path}/states.safetensors" for run in SHOWN],
        pointwise=[f"{RESULTS}/runs/{run.path}/pointwise/linear.parquet" for run in SHOWN],
        importance=[f"{RESULTS}/runs/{run.path}/importance.parquet" for run in SHOWN],
        # Functions: of a list beside outputs of rules, Snakemake hashes all for each of its files.
        seconds=lambda w: all_runs("seconds.csv"),
        records=lambda w: RECORDS,
    output:
        report=report(
            f"{RESULTS}/report.html",
            caption="../report/page.rst",
            category="The page",
        ),
        strips=directory(f"{RESULTS}/strips"),
        verdicts=f"{RESULTS}/tables/verdicts.tex",
        agreement=f"{RESULTS}/tables/agreement.tex",
    log:
        log_of("report", "report"),
    benchmark:
        benchmark_of("report", "report")
    conda:
        env("report")
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
            "figures": f"{RESULTS}/figures",
            "benchmarks": [f"{RESULTS}/benchmarks", "results/data/benchmarks"],
            "estimators": STUDY.information.estimators,
            "runs_of": {
                name: [r.dataset for r in STUDY.runs].count(name) for name in STUDY.used_datasets
            },
            "strips": {"count": STUDY.report.texts, "seed": STUDY.report.seed},
            # Without what changes no result: how many seeds a job takes.
            "config": STUDY.model_dump(mode="json", exclude={"batch"}),
        },
        reads=listed(PREPARED, rules.figures.output, RECORDS),
        code=code("report.py", "attinfo.report.templates"),
    script:
        "../scripts/report.py"
