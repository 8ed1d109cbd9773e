"""Satellite client: keeps a connection to one satellite, in the sequence that Home Assistant uses."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog
from wyoming.event import Event
from wyoming.info import Describe, Info, Satellite
from wyoming.ping import Ping
from wyoming.satellite import RunSatellite

from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.programs import MAKER
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope, includes
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.core import TurnPhase
from wyoming_rosie_hub.satellites.levels import create_watch_event
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.turn_runner import HubContext, TurnRunner

_LOG = structlog.get_logger()
PING_SECONDS = 2.0
RECEIVE_TIMEOUT_SECONDS = 5.0
MAX_PAUSE_SECONDS = 30.0


class SatelliteClient:
    """Keeps one satellite connected and runs its turns."""

    def __init__(self, uri: str, hub: HubContext) -> None:
        self.uri = uri
        self.satellite_id: str | None = None  # while connected
        self.area: str | None = None
        self.software: str | None = None
        self.wake_words: Sequence[str] = ()
        self._hub = hub
        self._outbox = Outbox[Event]()
        self._is_unreachable = False
        self._turns: TurnRunner | None = None  # while connected, if it may ask
        self._reader: SatelliteReader | None = None  # of the present or the last connection

    @property
    def phase(self) -> str:
        """The phase of its turn."""
        return TurnPhase.IDLE if self._turns is None else self._turns.phase

    @property
    def volume_percent(self) -> int | None:
        """The volume as the satellite has reported it."""
        return self._reader.volume_percent if self._reader else None

    @property
    def is_muted(self) -> bool | None:
        """Whether the microphone is muted, as the satellite has reported it."""
        return self._reader.is_muted if self._reader else None

    def announce(self, announcement: m.Announcement) -> bool:
        """Queue an announcement; return whether the satellite is connected."""
        if self._turns is None:
            return False
        self._turns.process(announcement)
        return True

    def send(self, event: Event) -> None:
        """Queue an event without waiting; it is dropped if the satellite has stopped reading."""
        if not self._outbox.try_put(event):
            _LOG.warning("satellite does not read; event dropped", satellite=self.satellite_id, type=event.type)

    async def run(self) -> None:
        """Stay connected until cancelled, with growing pauses between attempts."""
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                async with connect(self.uri, role="satellite") as peer:
                    await self._run_session(peer)
            except RosieError as err:
                if self.satellite_id:
                    backoff.reset()
                self._log_unreachable(err)
            self.satellite_id = None
            await backoff.sleep()

    def _log_unreachable(self, error: RosieError) -> None:
        if self.satellite_id or not self._is_unreachable:
            _LOG.warning("satellite unreachable", uri=self.uri, reason=str(error))
        self._is_unreachable = True

    async def _run_session(self, peer: Client) -> None:
        self._outbox.clear()  # of events for an earlier connection
        satellite = await self._identify(peer)
        await peer.send(RunSatellite().event())  # first, since some satellites start a run at once
        turns = TurnRunner(self._hub, satellite, self.send)
        tasks = {asyncio.create_task(self._send_all(peer)), asyncio.create_task(self._send_pings())}
        try:
            self._on_connected(satellite, turns)
            reader = SatelliteReader(turns, self.send, partial(self._hub.volume.on_report, satellite.satellite_id))
            self._reader = reader
            while True:
                await reader.on_event(await peer.receive(RECEIVE_TIMEOUT_SECONDS if reader.answers_pings else None))
        finally:
            self._turns = None
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait(tasks)
            await turns.close()

    async def _identify(self, peer: Client) -> SatelliteIdentity:
        await peer.send(Describe().event())
        info = Info.from_event(await peer.wait_for("info", seconds=RECEIVE_TIMEOUT_SECONDS))
        if info.satellite is None:
            raise UnreachableError(f"{self.uri} is not a satellite")
        self.software = _describe_software(info.satellite)
        self.wake_words = tuple(model.name for program in info.wake for model in program.models if model.installed)
        is_of_another_make = info.satellite.attribution.name != MAKER
        satellite = SatelliteIdentity(info.satellite.name, info.satellite.area, is_of_another_make=is_of_another_make)
        return _identify_member(peer.member, satellite)

    def _on_connected(self, satellite: SatelliteIdentity, turns: TurnRunner) -> None:
        self.satellite_id, self.area, self._is_unreachable = satellite.satellite_id, satellite.area, False
        _LOG.info("satellite connected", satellite=satellite.satellite_id, area=satellite.area, uri=self.uri)
        if not satellite.may_ask:
            _LOG.warning(
                "satellite may not ask",
                caller=satellite.caller,
                next="give it the scopes audio and text, see docs/security.md",
            )
            return
        self._turns = turns
        self._hub.timers.on_connected(satellite.satellite_id)
        self._hub.announcements.on_connected(satellite.satellite_id)
        turns.wake_claims.join()
        self.send(create_watch_event(0))  # for near misses

    async def _send_all(self, peer: Client) -> None:
        with suppress(UnreachableError):  # the reader notices it, too, and raises
            await self._outbox.run(peer.send)

    async def _send_pings(self) -> None:
        while True:
            self.send(Ping().event())
            await asyncio.sleep(PING_SECONDS)


def _identify_member(member: Member | None, satellite: SatelliteIdentity) -> SatelliteIdentity:
    """Return a satellite as the roster knows it: a member's room is not what it says of itself."""
    if member is None:
        return satellite
    may = {scope: includes(member.scopes, scope) for scope in TALK_SCOPES}
    return replace(
        satellite,
        area=member.room or satellite.area,
        caller=str(member),
        may_act=may[Scope.ACT],
        may_ask=may[Scope.AUDIO] and may[Scope.TEXT],
    )


def _describe_software(satellite: Satellite) -> str | None:
    """Return what a satellite says about its program."""
    return " ".join(filter(None, (satellite.description, satellite.version))) or None
