"""The hub: settings, components, services."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from wyoming_rosie import config
from wyoming_rosie.config import option
from wyoming_rosie.http import health
from wyoming_rosie.http.health import HEALTHY, Health
from wyoming_rosie.http.server import LOOPBACK
from wyoming_rosie.metrics import Metrics, TurnMetrics, create_turn_metrics
from wyoming_rosie.programs import DAEMONS
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.network_interfaces import local_addresses
from wyoming_rosie.protocol.server import run_until_stopped, stop_signal
from wyoming_rosie.protocol.service_browser import DiscoveredService, ServiceBrowser
from wyoming_rosie.runtime import systemd
from wyoming_rosie.timers.presence import PlaceReader
from wyoming_rosie.timers.service import TimerCallbacks, TimerService
from wyoming_rosie.trust import membership
from wyoming_rosie.trust.identity import FOLDER as IDENTITY
from wyoming_rosie.trust.members import AUTHORITY_FOLDER
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.voice_activity import endpointing
from wyoming_rosie_hub.announcements import AnnouncementQueue
from wyoming_rosie_hub.delayed_commands import DelayedCommandRunner
from wyoming_rosie_hub.directory import DaemonDirectory
from wyoming_rosie_hub.fallback_audio import FallbackAudio
from wyoming_rosie_hub.late_answers import LateAnswers
from wyoming_rosie_hub.satellites.client import SatelliteClient
from wyoming_rosie_hub.satellites.registry import SatelliteRegistry
from wyoming_rosie_hub.trust import settings as trust
from wyoming_rosie_hub.trust.settings import TrustSettings
from wyoming_rosie_hub.trust.start import TrustStarter
from wyoming_rosie_hub.turn_runner import DEFAULT_LANGUAGE, HubContext
from wyoming_rosie_hub.voice_selection import VoiceSelector
from wyoming_rosie_hub.volume.service import VolumeService
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.service import serve_web
from wyoming_rosie_hub.web.settings import WebConfig

_LOG = structlog.get_logger()
DISCOVERY_SECONDS = 2.0
AUTO = "auto"
LIVE_KEYS = frozenset({"language", "filler", "own_filler_seconds", "end_of_speech", "web.log_text"})
"""Settings that can change while the hub runs."""


@dataclass(frozen=True)
class HubConfig:
    """Conducts turns between satellites and daemons when Home Assistant does not."""

    satellite: tuple[str, ...] = option(
        (), "a satellite to conduct, as tcp://HOST:PORT or tls://HOST:PORT; may be given again"
    )
    adopt: tuple[str, ...] = option(
        (), "use this daemon or satellite of another machine by its announced name; see discover"
    )
    adopt_all: bool = option(False, "conduct every satellite that is announced on the network")
    wake_uri: str | None = option(None, "the wake daemon, for satellites that only stream [default: this machine's]")
    vad_uri: str | None = option(None, "the vad daemon [default: this machine's, or one of --adopt]")
    asr_uri: str | None = option(None, "the asr daemon [default: this machine's, or one of --adopt]")
    intent_uri: str | None = option(None, "the intent daemon [default: this machine's, or one of --adopt]")
    tts_uri: str | None = option(None, "the tts daemon [default: this machine's, or one of --adopt]")
    language: str = option(
        "en", "the language people speak, unless a satellite reports another; `auto`: as the asr daemon detects"
    )
    end_of_speech: endpointing.EndpointingRules = option(endpointing.EndpointingRules, "when an utterance is over")
    filler: bool = option(True, "speak the filler that the intent daemon offers while its answer takes long")
    own_filler_seconds: float | None = option(None, "say 'One moment.' if there is no answer after this many seconds")
    data_dir: Path | None = option(None, "where timers and phrases are stored [default: the user's state folder]")
    zeroconf: bool = option(True, "look for daemons and satellites on the network")
    web: WebConfig = option(WebConfig, "the page and the HTTP API")
    http_port: int | None = option(None, "serve /health and /metrics over HTTP on this port")
    http_host: str = option(LOOPBACK, "address for --http-port; 0.0.0.0 admits other machines")
    debug: bool = option(False, "log more, including what people say")
    identity: Path | None = option(None, "folder of the identity in the house [default: in the data folder]")
    trust_uri: str = option(
        trust.DEFAULT_URI, "where the members of the house get their roster and certificates, or `off`"
    )
    config: Path | None = option(None, "read this TOML file instead of the user's and the system's")

    @property
    def state_folder(self) -> Path:
        """The folder of what the hub stores."""
        return self.data_dir or config.state_folder("hub")


class Hub:
    """The satellite clients, the timers and the other services of the hub."""

    def __init__(self, settings: HubConfig, browser: ServiceBrowser | None, metrics: TurnMetrics) -> None:
        self.folder = folder = settings.state_folder
        configured = {daemon.role: getattr(settings, f"{daemon.role}_uri") for daemon in DAEMONS}
        self._directory = DaemonDirectory(configured, settings.adopt, self._discovered, local_addresses)
        self._voices = VoiceSelector(lambda: self._directory.find_uri("tts"))
        self._fallback_audio = FallbackAudio(folder / "phrases", lambda: self._directory.find_uri("tts"), self._voices)
        self._satellites = SatelliteRegistry()
        announcements = AnnouncementQueue(self._satellites.announce)
        delayed_commands = DelayedCommandRunner(
            lambda: self._directory.find_uri("intent"), lambda: self._context.executors
        )
        self._late_answers = LateAnswers(lambda: self._directory.find_uri("intent"), announcements)
        places = PlaceReader(lambda: self._directory.find_uri("intent"))
        self._timers = TimerService(
            folder / "timers.json",
            TimerCallbacks(
                self._satellites.send, self._satellites.areas, delayed_commands.run, announcements.announce, places.read
            ),
        )
        language = None if settings.language == AUTO else settings.language
        self._fallback_audio.request_language(language or DEFAULT_LANGUAGE)
        self._context = HubContext(
            self._directory,
            self._fallback_audio,
            self._timers,
            VolumeService(self._satellites.areas, self._satellites.send),
            self._voices,
            announcements,
            language,
            settings.filler,
            settings.own_filler_seconds,
            settings.end_of_speech,
            metrics,
            late_answers=self._late_answers,
        )
        self._context.history.keeps_text = settings.web.log_text
        self._settings = settings
        self.trust = TrustStarter(trust_settings(settings), self._on_joined)
        self._configured = settings.satellite
        self._browser = browser
        self._adopted, self._adopts_all = settings.adopt, settings.adopt_all

    @property
    def health(self) -> Health:
        """The checks for monitors."""
        health = Health()
        health.add_check("satellites", self._check_satellites)
        health.add_check("certificate", membership.find_problem)
        health.add_check("trust", self.trust.find_problem)
        return health

    def _on_joined(self, joined: Membership) -> None:
        """Find the programs of the house that this hub has just become a member of."""
        if self._browser is not None:
            self._browser.use(joined)

    def _check_satellites(self) -> str | None:
        missing = [satellite.uri for satellite in self._satellites.all if satellite.satellite_id is None]
        return f"not connected: {', '.join(missing)}" if missing else HEALTHY

    @property
    def connected_count(self) -> int:
        """Number of connected satellites."""
        return len(self._satellites.connected)

    @property
    def house(self) -> House:
        """The hub as the web server sees it."""
        from wyoming_rosie.backup.parts import hub_places
        from wyoming_rosie_hub.web.config_editor import ConfigEditor
        from wyoming_rosie_hub.web.hub_house import HubHouse
        from wyoming_rosie_hub.web.model_answers import ModelAnswers
        from wyoming_rosie_hub.web.program_settings import LiveConfig, ProgramSettings, arguments_of

        file = self._settings.config or config.user_file()
        editor = ConfigEditor("hub", HubConfig, file, LIVE_KEYS, lambda: read_config(sys.argv[1:]), check_config)
        live = LiveConfig(editor, self._settings, self._apply)
        programs = ProgramSettings(live, arguments_of(self._settings.config))
        places, answers = hub_places(file, self.folder), ModelAnswers(self._settings.config)
        return HubHouse(self._context, self._satellites, self.health, programs, places, answers)

    def _apply(self, settings: HubConfig) -> None:
        """Take over the settings of LIVE_KEYS."""
        self._context.language = None if settings.language == AUTO else settings.language
        self._context.fillers_enabled = settings.filler
        self._context.own_filler_seconds = settings.own_filler_seconds
        self._context.endpointing = settings.end_of_speech
        self._context.history.keeps_text = settings.web.log_text

    async def run(self) -> None:
        """Run all services until cancelled."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            stack.push_async_callback(self._late_answers.close)
            tasks.create_task(self._voices.refresh_periodically())
            tasks.create_task(self._fallback_audio.run())
            tasks.create_task(self._timers.run())
            tasks.create_task(self._timers.watch_presence())
            tasks.create_task(self.trust.run())
            while True:
                for uri in self._satellite_uris() - self._satellites.uris:
                    client = SatelliteClient(uri, self._context)
                    self._satellites.add(client)
                    tasks.create_task(client.run())
                self._directory.log_discovered()
                await asyncio.sleep(DISCOVERY_SECONDS)

    def _discovered(self, role: str) -> list[DiscoveredService]:
        return self._browser.services(role) if self._browser else []

    def _satellite_uris(self) -> set[str]:
        adopted = (
            service.uri
            for service in self._discovered("satellite")
            if service.tls_port or self._adopts_all or service.name in self._adopted
        )
        return {*self._configured, *adopted}


def read_config(arguments: Sequence[str]) -> HubConfig:
    """Return the settings of a hub that starts now with these arguments. Raises ConfigError."""
    settings = config.read("hub", HubConfig, arguments)
    assert settings is not None
    return settings


def trust_settings(settings: HubConfig) -> TrustSettings:
    """Return the settings of the trust service."""
    folder = settings.state_folder
    return TrustSettings(
        folder / AUTHORITY_FOLDER, settings.identity or folder / IDENTITY, settings.trust_uri, settings.zeroconf
    )


def check_config(settings: HubConfig) -> None:
    """Raise ConfigError for settings that contradict each other."""
    trust.check_uri(settings.trust_uri)
    for uri in settings.satellite:
        address.parse(uri)
    endpointing.check_endpointing_rules(settings.end_of_speech)


async def serve(settings: HubConfig) -> None:
    """Run the hub until stopped. Raises ConfigError."""
    check_config(settings)
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        browser = None
        if settings.zeroconf:
            browser = await stack.enter_async_context(ServiceBrowser(membership=membership.current()))
        metrics = Metrics()
        hub = Hub(settings, browser, create_turn_metrics(metrics, is_enabled=settings.http_port is not None))
        await hub.trust.prepare()
        metrics.gauge("peers", "Satellites that are connected", lambda: hub.connected_count)
        await stack.enter_async_context(
            health.serve_health("hub", hub.health, metrics, settings.http_host, settings.http_port)
        )
        if settings.web.enabled:
            await stack.enter_async_context(serve_web(settings.web, hub.house, hub.folder))
        running = asyncio.create_task(hub.run())
        systemd.notify("READY=1")
        _LOG.info("ready", satellites=list(settings.satellite), adopt_all=settings.adopt_all)
        await run_until_stopped(running, stop)


def main() -> None:
    """Run the wyoming-rosie-hub command."""
    config.main("hub", HubConfig, serve)


if __name__ == "__main__":
    main()
