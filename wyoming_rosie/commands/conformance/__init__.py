"""Conformance checks of `wyoming-rosie check`: a module for each role, and modules for what every program must do."""
