"""Settings of the intent daemon."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wyoming_rosie.config import FreeTables, option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie_intent.execution.policy import Remarks
from wyoming_rosie_intent.execution.weather import Settings as WeatherSettings
from wyoming_rosie_intent.llm.tier_config import CloudSettings, NetworkSettings, TierSettings
from wyoming_rosie_intent.memory.settings import MemorySettings
from wyoming_rosie_intent.rules.hassil import Settings as HassilSettings


@dataclass(frozen=True)
class FillerSettings(TierSettings):
    """A small model that writes the fillers spoken while a large one works."""


ACTORS = EngineRegistry("wyoming_rosie_intent.actors", entry="actor")
NO_ACTOR = "none"


@ACTORS.configures("actor", NO_ACTOR)
@dataclass(frozen=True)
class IntentConfig(ServiceConfig):
    """Sentences to actions and answers over the Wyoming protocol."""

    uri: str = option(
        "tcp://127.0.0.1:10550", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    home: Path = option(DEMO_HOME, "TOML file with the areas and entities of the home")
    engine: Literal["hassil"] = option("hassil", "engine that recognizes intents")
    hassil: HassilSettings = option(HassilSettings, "")
    phrases: Path | None = option(None, "folder with LANGUAGE.toml files that override spoken phrases")
    weather: WeatherSettings = option(WeatherSettings, "")

    actor: str = option(
        "demo", "who executes commands: demo, a simulated home; home-assistant; bus, over NATS; none, the client itself"
    )
    confirm: tuple[str, ...] = option(
        (), "domains or entity ids, with *, that need a confirmation beside the dangerous ones"
    )
    remarks: Remarks = option(
        "act", "what remarks like 'it is too dark in here' do in the speaker's room: act, ask before, or ignore"
    )
    audit_file: Path | None = option(None, "audit log of refused and confirmed actions")
    plugin_folder: Path | None = option(None, "folder of plugins, each a folder with a plugin.py")
    plugins: FreeTables = option(dict, "settings of plugins, as tables of the configuration file")

    memory: MemorySettings = option(MemorySettings, "")

    local: TierSettings = option(TierSettings, "")
    network: NetworkSettings = option(NetworkSettings, "")
    cloud: CloudSettings = option(CloudSettings, "")
    warm_up: bool = option(True, "load the language model and its prompt at start")
    fillers: bool = option(True, "speak a filler when a language model takes long")
    filler: FillerSettings = option(FillerSettings, "")
    prompt_folder: Path | None = option(None, "folder with prompt templates that override those of the same name")
    mcp_file: Path | None = option(None, "TOML file of MCP servers whose tools the language model may use")
