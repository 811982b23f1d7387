"""Encoders: embedded tokens to hidden states."""
