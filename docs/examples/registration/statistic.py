"""Add to `STATISTICS` in attinfo/claims/run_statistics.py."""

from attinfo.claims.tempering import TEMPERING

STATISTICS = {
    "tempering": TEMPERING,
}
