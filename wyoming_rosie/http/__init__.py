"""HTTP server, health checks and metrics."""
