"""Add to the list of `CONCLUSIONS` in attinfo/claims/conclusions.py."""

from attinfo.claims.declared.recurrent import CONCLUSION

ENTRY = ("recurrent", CONCLUSION)
