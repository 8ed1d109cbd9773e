"""Silero VAD, which the asr daemon uses as well."""

from wyoming_rosie.voice_activity.silero import Settings as Settings
from wyoming_rosie.voice_activity.silero import load as load
