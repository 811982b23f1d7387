"""The sections of a config, one file each: their keys, what each may be, and the defaults."""
