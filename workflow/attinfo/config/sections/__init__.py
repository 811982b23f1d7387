"""The sections of a config, one file for each section: keys, types, ranges and defaults."""
