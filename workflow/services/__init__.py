"""The gRPC services of the workflow, one a module."""
