"""The JSON schema of the config, used by editors. `python -m attinfo.config.schema` writes it."""

import json
from pathlib import Path

from attinfo.config.study import Study


def write_schema(path: str | Path) -> None:
    """Write the JSON schema of the config to a file."""
    schema = Study.model_json_schema()
    # A study may change keys of a data set of the catalogue, where its source stands.
    del schema["$defs"]["Dataset"]["required"]
    text = json.dumps(schema, indent=2, sort_keys=True)
    Path(path).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    write_schema("workflow/schemas/config.schema.json")
