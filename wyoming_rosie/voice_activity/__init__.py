"""Voice activity detection: Silero behind a WebRTC gate, segmentation, classification and endpointing."""
