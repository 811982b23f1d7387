"""Sources of labelled text, one file each; attinfo/blocks/sources.py describes them."""
