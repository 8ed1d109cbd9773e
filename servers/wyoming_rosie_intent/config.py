"""Settings of the intent daemon."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.protocol.server import ServiceConfig
from wyoming_rosie_intent.execution.weather import Settings as WeatherSettings
from wyoming_rosie_intent.llm.tier_config import CloudSettings, NetworkSettings, TierSettings
from wyoming_rosie_intent.rules.hassil import Settings as HassilSettings


@dataclass(frozen=True)
class FillerSettings(TierSettings):
    """A small model that writes the fillers spoken while a large one works."""


ACTORS = EngineRegistry("wyoming_rosie_intent.actors", entry="actor")
NO_ACTOR = "none"


@ACTORS.configures("actor", NO_ACTOR)
@dataclass(frozen=True)
class IntentConfig(ServiceConfig):
    """Text to action and answer over the Wyoming protocol."""

    uri: str = option("tcp://127.0.0.1:10550", "where to listen: tcp://HOST:PORT, unix:///PATH or stdio://")
    home: Path = option(DEMO_HOME, "TOML file with the areas and entities that people speak about")
    engine: Literal["hassil"] = option("hassil", "which engine understands sentences")
    hassil: HassilSettings = option(HassilSettings, "")
    phrases: Path | None = option(None, "folder with LANGUAGE.toml files of other things to say")
    weather: WeatherSettings = option(WeatherSettings, "")

    actor: str = option(
        "demo", "who acts: demo, a house in memory; home-assistant; bus, whoever listens on NATS; none, whoever asked"
    )
    confirm: tuple[str, ...] = option(
        (), "domains or ids, with *, that are acted on only after a yes, beside what is dangerous"
    )
    audit_file: Path | None = option(None, "note in this file what was refused, asked about and done after a yes")
    plugin_folder: Path | None = option(None, "folder with plugins, each a folder with a plugin.py")
    plugins: dict[str, dict[str, str]] = option(dict, "settings of plugins, as tables of a configuration file")

    local: TierSettings = option(TierSettings, "")
    network: NetworkSettings = option(NetworkSettings, "")
    cloud: CloudSettings = option(CloudSettings, "")
    warm_up: bool = option(True, "have the model loaded and its prompt read at the start")
    fillers: bool = option(True, "say a few words when a model's answer takes long")
    filler: FillerSettings = option(FillerSettings, "")
    prompt_folder: Path | None = option(None, "folder with prompts that take the place of ours of the same name")
    mcp_file: Path | None = option(None, "TOML file with MCP servers whose tools a model may use")
