"""The figures of the study, for its page and for `snakemake --report`."""

from attinfo.figures.catalogue import FIGURES, MODULES, SECTIONS, drawn

# Snakemake sorts categories by name: numbered, they stand as on the page.
CATEGORIES = {name: f"{i} {title}" for i, (name, title) in enumerate(SECTIONS.items(), 1)}
DRAWN = drawn(STUDY.used_datasets)


rule distributions:
    """The small table that figures of single texts are drawn from."""
    input:
        texts=groups_of("texts.parquet"),
        faithfulness=all_runs("faithfulness.parquet"),
        states=all_runs("states.safetensors"),
        data=PREPARED,
    output:
        distributions=f"{RESULTS}/distributions.parquet",
    log:
        log_of("distributions", "distributions"),
    benchmark:
        benchmark_of("distributions", "distributions")
    conda:
        env("agreement")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        options={
            "datasets": STUDY.used_datasets,
            "groups": STUDY.groups,
            "seeds": STUDY.seeds,
        },
        reads=listed(all_runs("states.safetensors"), PREPARED),
        code=code("distributions.py"),
    script:
        "../scripts/distributions.py"


rule figures:
    """Each figure as SVG and PNG, its numbers as CSV, its caption as reStructuredText."""
    input:
        claims=f"{RESULTS}/claims.csv",
        specifications=f"{RESULTS}/specifications.csv",
        across=f"{RESULTS}/across.csv",
        moderators=f"{RESULTS}/moderators.csv",
        cells=f"{RESULTS}/cells.csv",
        runs=f"{RESULTS}/runs.csv",
        calibration=f"{RESULTS}/calibration.csv",
        variance=f"{RESULTS}/variance.csv",
        ranks=f"{RESULTS}/ranks.csv",
        learning=f"{RESULTS}/learning.csv",
        information=f"{RESULTS}/information.parquet",
        distributions=rules.distributions.output.distributions,
        study=f"{RESULTS}/study.json",
    output:
        svg=[
            report(
                figure_path(name, dataset, ".svg"),
                caption=os.path.abspath(figure_path(name, dataset, ".rst")),
                category=CATEGORIES[FIGURES[name].section],
                labels={"figure": name.replace("_", " "), "data set": dataset},
            )
            for name, dataset in DRAWN
        ],
        png=[figure_path(*one, ".png") for one in DRAWN],
        csv=[figure_path(*one, ".csv") for one in DRAWN],
        rst=[figure_path(*one, ".rst") for one in DRAWN],
    log:
        log_of("figures", "figures"),
    benchmark:
        benchmark_of("figures", "figures")
    conda:
        env("figures")
    # More by `--set-threads figures=4`. Not here: on a cluster whose nodes have one processor, a job
    # of more would never start.
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=code("figures.py", *MODULES),
    script:
        "../scripts/figures.py"
