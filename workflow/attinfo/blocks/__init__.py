"""Specs of the building blocks: name, import path, label, and all that is true of each."""
