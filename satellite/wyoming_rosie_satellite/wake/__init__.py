"""Wake word detectors: in this process, at a wake daemon or by a command, each behind a VAD gate if configured."""
