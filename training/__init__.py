"""Trains the embedding model on simulated minutiae. Not installed: run from the repository root."""
