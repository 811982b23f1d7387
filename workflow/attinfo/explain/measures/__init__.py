"""Importance measures, one file each."""
