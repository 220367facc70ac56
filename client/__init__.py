"""Clients for integrators, and the `tenprint` command."""
