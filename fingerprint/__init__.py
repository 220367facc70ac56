"""From a fingerprint to an embedding. Imports nothing else of tenprint."""
