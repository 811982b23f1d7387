"""What the stages share: the study, the files that jobs read, what jobs depend on."""


include: "common/study.smk"
include: "common/inputs.smk"
include: "common/params.smk"
include: "common/audits.smk"
