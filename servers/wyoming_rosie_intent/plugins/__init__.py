"""Integrations by other people: what they derive from, and what finds and runs them."""

from wyoming_rosie_intent.plugins.discovery import Source, in_folder, installed
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin
from wyoming_rosie_intent.plugins.plugins import PluginMatch, Plugins

__all__ = ["IntegrationPlugin", "PluginMatch", "Plugins", "Source", "in_folder", "installed"]
