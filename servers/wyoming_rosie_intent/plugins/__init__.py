"""Plugins: the base class of third-party integrations, their discovery and their registry."""

from wyoming_rosie_intent.plugins.discovery import PluginSource, find_in_folder, find_installed
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin
from wyoming_rosie_intent.plugins.registry import PluginMatch, PluginRegistry

__all__ = ["IntegrationPlugin", "PluginMatch", "PluginRegistry", "PluginSource", "find_in_folder", "find_installed"]
