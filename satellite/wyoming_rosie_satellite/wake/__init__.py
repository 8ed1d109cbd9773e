"""Wake word detectors and local endpointing."""
