"""Integrations by other people: what they derive from, and what finds and runs them."""

from wyoming_rosie_intent.plugins.discovery import PluginSource, find_in_folder, find_installed
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin
from wyoming_rosie_intent.plugins.registry import PluginMatch, PluginRegistry

__all__ = ["IntegrationPlugin", "PluginMatch", "PluginRegistry", "PluginSource", "find_in_folder", "find_installed"]
