"""HTTP server, authorization, health checks and metrics."""
