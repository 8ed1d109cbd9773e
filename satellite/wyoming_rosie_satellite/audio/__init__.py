"""Audio sources, audio sinks and audio processing."""
