"""Integrations: observers of the satellite's events, and controls by buttons, programs and services."""
