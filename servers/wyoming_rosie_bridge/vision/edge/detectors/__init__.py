"""Detectors: one file each; `load(settings)` returns one, see `detections.Detector`."""
