"""Estimators of information, one file each, and the probes that they share."""
