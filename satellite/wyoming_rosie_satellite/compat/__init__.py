"""Compatibility with wyoming-satellite and linux-voice-assistant: their command lines, and a log format."""
