"""The gRPC server: services, engine, metrics, configuration, process life."""
