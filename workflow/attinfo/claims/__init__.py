"""From tables of texts to effects, contrasts and verdicts."""
