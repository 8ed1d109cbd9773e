"""Sinks: databases and brokers that keep events for good."""
