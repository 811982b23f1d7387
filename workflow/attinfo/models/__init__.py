"""Encoders, attention and the classifier they make up."""
