"""The HTTP server for health checks and metrics."""
