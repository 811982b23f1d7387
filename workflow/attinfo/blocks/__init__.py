"""The building blocks that a config may name: one file a kind, none of which imports torch."""
