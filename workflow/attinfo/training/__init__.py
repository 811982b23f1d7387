"""Training of one run: objective, optimisers, early stopping, checkpoints."""
