"""Integrations of this package: plugins, each in its folder, which `[intent.plugins.NAME]` enables."""
