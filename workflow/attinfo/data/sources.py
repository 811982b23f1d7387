"""Sources of labelled text: each brings one raw table.

To add one: a function with keyword-only, annotated arguments that returns a `pandas.DataFrame`, in
a file of its own beside this one, imported here and named in `SOURCES`. Its arguments are the
options that a config may set (see attinfo/option_types.py), the first line of its docstring is its
row in the README.

The columns of a raw table are texts, as `attinfo.data.tables` makes them, but for two that a
source may add: `split` (train, dev or test, where the source has splits of its own) and `decisive`
(for each text a list of [start, end) spans of characters that decide its class, where these are
known by construction). `table.attrs` is kept: `files` says which rows came from where, as
`tables.joined` sets it; `truth` holds what is known of the whole table, as plain values.
"""

from attinfo.data.files import files
from attinfo.data.huggingface import huggingface
from attinfo.data.planted import planted
from attinfo.data.pypi import pypi

SOURCES = {"pypi": pypi, "huggingface": huggingface, "files": files, "planted": planted}
