"""Write the page of an audit, its figures and its table of answers."""

from attinfo.runtime.job import job

# isort: split

from attinfo.audit.checkpoints import read_checkpoints
from attinfo.audit.page import page
from attinfo.report.page import render
from attinfo.runtime.atomic import whole
from attinfo.runtime.cost import costs
from attinfo.runtime.provenance import fingerprint

with job(snakemake.log[0]):
    made, options = snakemake.output, snakemake.params.options
    own = [cost for cost in costs(*options["benchmarks"]) if cost.rule != "audit_page"]
    checkpoints = read_checkpoints(options["folders"])
    with whole(made.figures) as folder:
        content, answers = page(
            checkpoints, options, own, fingerprint(snakemake.params.code), folder
        )
    with whole(made.answers) as path:
        answers.to_csv(path, index=False, lineterminator="\n")
    with whole(made.page) as path:
        path.write_text(render(content, "audit.html.j2"), encoding="utf-8")
