"""Connections to satellites, and the registry of those that are connected."""
