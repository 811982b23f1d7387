"""The conclusions of the paper as contrasts, declared before any result.

To add one: a file in `attinfo.claims.declared` with its `CONCLUSION`, and a line in `CONCLUSIONS`.
Its numeral is its place there. To print all contrasts:

    python -m attinfo.claims.conclusions
"""

from attinfo.claims.contrast import Conclusion, Contrast, numbered
from attinfo.claims.declared import combinations, learning, near_ties, preservation, skewness
from attinfo.claims.run_statistics import STATISTICS

CONCLUSIONS: dict[str, Conclusion] = numbered(
    [
        ("preservation", preservation.CONCLUSION),
        ("learning", learning.CONCLUSION),
        ("near_ties", near_ties.CONCLUSION),
        ("skewness", skewness.CONCLUSION),
        ("combinations", combinations.CONCLUSION),
    ]
)
BY_NUMERAL: dict[str, Conclusion] = {own.numeral: own for own in CONCLUSIONS.values()}
CONTRASTS: tuple[Contrast, ...] = tuple(c for own in CONCLUSIONS.values() for c in own.contrasts)


def table() -> str:
    """All contrasts as a Markdown table."""
    lines = [
        "| claim | role | contrast | statistic | sides | same in |",
        "|---|---|---|---|---|---|",
    ]
    for c in CONTRASTS:
        sides = " ".join(
            f"{'+' if side.weight > 0 else '−'} {side.statistic} [{side.runs}]" for side in c.sides
        )
        if c.against:
            sides += f" − {c.against:g}"
        same = ", ".join(("data set", "seed", *c.within))
        label = STATISTICS[c.statistic].label
        lines.append(f"| ({c.claim}) | {c.role} | {c.statement} | {label} | `{sides}` | {same} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
