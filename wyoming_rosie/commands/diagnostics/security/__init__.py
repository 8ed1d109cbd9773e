"""Inspection of what is open on this machine, and to whom: `wyoming-rosie doctor --security`."""
