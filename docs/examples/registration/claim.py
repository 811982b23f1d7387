"""Add to `CONCLUSIONS` and `CONTRASTS` in attinfo/claims/conclusions.py."""

from attinfo.claims.recurrent import RECURRENT, TEXT

CONCLUSIONS = {
    "vi": TEXT,
}
CONTRASTS = (RECURRENT,)
