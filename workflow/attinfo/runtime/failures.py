"""The last lines on the screen after jobs have failed: message, rule and log of each job."""

from collections.abc import Iterable, Sequence
from pathlib import Path
import re

# As `attinfo.runtime.job` writes it: the time, then the message.
ERROR = re.compile(
    r"^[\d-]+ [\d:,]+ (?P<message>(?:internal )?error: .*)", re.MULTILINE | re.DOTALL
)
MOST = 10  # jobs that are named


def message_of(log: str | Path) -> str | None:
    """Return the error that ended a job, from its log; None where the log has none."""
    try:
        text = Path(log).read_text("utf-8", errors="replace")
    except OSError:
        return None
    if found := ERROR.search(text):
        return found["message"].strip()
    return None


def last_words(jobs: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Summarise failed jobs, one or more lines for each.

    Args:
        jobs: rule and log files of each failed job.

    Returns:
        The messages, each with the rule and the log. Jobs with the same message are counted.
    """
    places: dict[str, list[str]] = {}
    for rule, logs in jobs:
        message = next(filter(None, map(message_of, logs)), None)
        if message is None:
            message = (
                "no message: the job was killed (out of memory or time?), or could not start; "
                "Snakemake's lines above may say more"
            )
        places.setdefault(message, []).append(f"rule {rule}, log: {', '.join(logs) or 'none'}")
    if not places:
        return "no job failed: see Snakemake's lines above"
    lines = [f"failed: {_jobs(sum(map(len, places.values())))}"]
    for message, own in list(places.items())[:MOST]:
        more = f" (and {_jobs(len(own) - 1)} with the same message)" if len(own) > 1 else ""
        lines += [message, f"    {own[0]}{more}"]
    if len(places) > MOST:
        lines.append(f"and {len(places) - MOST} other messages: see the logs")
    return "\n".join(lines)


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"
