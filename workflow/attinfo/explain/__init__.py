"""Importance of each token for the prediction, and faithfulness of an order of tokens."""
