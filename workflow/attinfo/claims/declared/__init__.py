"""The conclusions, one file each; `attinfo.claims.conclusions` lists them."""
