"""The edge classifier: cameras without Frigate, looked at on the CPU."""
