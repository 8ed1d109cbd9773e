"""Inspection of the machine, its audio devices and its network, and the diagnosis of `wyoming-rosie doctor`."""
