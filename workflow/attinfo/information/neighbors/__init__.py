"""Nearest neighbours within and across classes."""
