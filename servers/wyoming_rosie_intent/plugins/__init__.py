"""Plugins: the base class of third-party integrations, their discovery and their registry."""

from wyoming_rosie_intent.plugins.discovery import PluginSource, find_in_folder, find_installed, find_integrations
from wyoming_rosie_intent.plugins.match import PluginMatch, PluginQuestion
from wyoming_rosie_intent.plugins.multilingual import MultilingualPlugin
from wyoming_rosie_intent.plugins.plugin import (
    CommandContext,
    HouseReminder,
    IntegrationPlugin,
    ParameterType,
    PluginResult,
    PluginTool,
    ToolParameter,
    person_settings,
)
from wyoming_rosie_intent.plugins.registry import PluginRegistry

__all__ = [
    "CommandContext",
    "HouseReminder",
    "IntegrationPlugin",
    "MultilingualPlugin",
    "ParameterType",
    "PluginMatch",
    "PluginQuestion",
    "PluginRegistry",
    "PluginResult",
    "PluginSource",
    "PluginTool",
    "ToolParameter",
    "find_in_folder",
    "find_installed",
    "find_integrations",
    "person_settings",
]
