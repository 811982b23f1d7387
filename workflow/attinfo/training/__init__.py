"""Training of one run: objective, optimiser, early stopping, checkpoints."""
