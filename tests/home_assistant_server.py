"""Simulation of Home Assistant's WebSocket API: a small home, and all its failures."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, TypeAlias

from aiohttp import WSMsgType, web

from wyoming_rosie.http.server import serve_http

TOKEN = "a-long-lived-token"
Message: TypeAlias = dict[str, Any]


class ServiceFault(StrEnum):
    """Behaviour of the next service call."""

    NONE = "none"
    DEAF = "deaf"  # it says that it was done, and nothing changes
    SILENT = "silent"  # it is done, and no result comes
    HUNG = "hung"  # it is not done, and no result comes
    CUT = "cut"  # it is done, and the connection ends before the result
    REFUSED = "refused"
    UNKNOWN = "unknown"  # there is no such service


def entity(name: str, state: str = "off", **attributes: Any) -> Message:
    return {"s": state, "a": {"friendly_name": name, **attributes}}


def create_states() -> dict[str, Message]:
    """Return the states of the home in Home Assistant's compressed format."""
    return {
        "light.kitchen": entity("Kitchen Light", supported_color_modes=["hs"], brightness=128),
        "light.hall": entity("Hall Light", supported_color_modes=["onoff"]),
        "light.attic": entity("Attic Light", "unavailable"),
        "lock.front": entity("Front Door", "locked"),
        "cover.garage": entity("Garage Door", "closed", device_class="garage"),
        "climate.heating": entity("Heating", "heat", current_temperature=20.5, temperature=21.0),
        "media_player.radio": entity("Radio", "paused", volume_level=0.3, is_volume_muted=False),
        "todo.shopping": entity("Shopping List", "2"),
        "weather.home": entity("Forecast", "partlycloudy", temperature=12.0),
        "sensor.power": entity("Power", "100"),
        "strange.thing": entity("Strange Thing", "odd"),
    }


class HomeAssistantServer:
    """The simulated server; `calls` are the executed service calls."""

    def __init__(self) -> None:
        self.states = create_states()
        self.areas = [{"area_id": "kitchen", "name": "Kitchen", "aliases": ["galley"], "floor_id": "ground"}]
        self.floors = [{"floor_id": "ground", "name": "Ground Floor", "aliases": []}]
        self.devices = [{"id": "radio", "area_id": "kitchen"}]
        self.entities: list[Message] = [
            {"entity_id": "light.kitchen", "area_id": "kitchen", "aliases": ["big light"]},
            {"entity_id": "media_player.radio", "device_id": "radio"},
            {"entity_id": "sensor.power", "options": {"conversation": {"should_expose": False}}},
        ]
        self.exposed = {"lock.front", "weather.home", "strange.thing", "light.hall"}
        self.items = ["milk", "bread"]
        rain = {"datetime": "2026-11-21T12:00:00+00:00", "condition": "rainy", "precipitation_probability": 60}
        self.forecast = [{**rain, "temperature": 14.0, "templow": 8.0}]
        self.core_state = "RUNNING"
        self.is_admin = True
        self.token = TOKEN
        self.fault = ServiceFault.NONE
        self.calls: list[Message] = []
        self.connections = 0
        self.refused = 0
        self.url = ""
        self._open: dict[web.WebSocketResponse, dict[int, str]] = {}

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["HomeAssistantServer"]:
        """Serve during the block."""
        application = web.Application()
        application.router.add_get("/api/websocket", self._converse)
        async with serve_http(application, "127.0.0.1", port, "port") as where:
            self.url = f"http://127.0.0.1:{where.port}"
            try:
                yield self
            finally:
                await self.cut()

    async def change(self, entity_id: str, state: str, **attributes: Any) -> None:
        """Change the state of an entity and report it to all subscribers."""
        self.states[entity_id] = {"s": state, "a": {**self.states[entity_id]["a"], **attributes}}
        await self._tell("subscribe_entities", {"c": {entity_id: {"+": {"s": state, "a": attributes}}}})

    async def registry_changed(self, event: str = "entity_registry_updated") -> None:
        await self._tell(event, {"event_type": event})

    async def cut(self) -> None:
        """End all connections at once, as a killed process does."""
        for socket in list(self._open):
            if (transport := socket._req.transport if socket._req else None) is not None:
                transport.abort()

    async def _tell(self, what: str, event: Message) -> None:
        for socket, subscriptions in list(self._open.items()):
            for number, kind in subscriptions.items():
                if kind == what:
                    await _send(socket, {"id": number, "type": "event", "event": event})

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _send(socket, {"type": "auth_required", "ha_version": "2026.11.0"})
        greeting = await socket.receive_json()
        if greeting.get("access_token") != self.token:
            self.refused += 1
            await _send(socket, {"type": "auth_invalid", "message": "Invalid access token or password"})
            await socket.close()
            return socket
        await _send(socket, {"type": "auth_ok", "ha_version": "2026.11.0"})
        self.connections += 1
        self._open[socket] = {}
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._obey(socket, json.loads(message.data))
        finally:
            del self._open[socket]
        return socket

    async def _obey(self, socket: web.WebSocketResponse, message: Message) -> None:
        number, kind = message["id"], message["type"]
        if kind == "call_service":
            await self._call(socket, message)
        elif kind in {"subscribe_entities", "subscribe_events"}:
            self._open[socket][number] = str(message.get("event_type", kind))
            await _send(socket, {"id": number, "type": "result", "success": True, "result": None})
            if kind == "subscribe_entities":
                await _send(socket, {"id": number, "type": "event", "event": {"a": self.states}})
        elif kind not in (answers := self._answers()):
            await _refuse(socket, number, "unknown_command")
        elif not self.is_admin and kind.startswith("homeassistant/"):
            await _refuse(socket, number, "unauthorized")
        else:
            result = answers[kind](message)
            await _send(socket, {"id": number, "type": "result", "success": True, "result": result})

    def _answers(self) -> dict[str, Callable[[Message], Any]]:
        return {
            "config/floor_registry/list": lambda _: self.floors,
            "config/area_registry/list": lambda _: self.areas,
            "config/device_registry/list": lambda _: self.devices,
            "config/entity_registry/list": lambda _: [_without_aliases(one) for one in self.entities],
            "config/entity_registry/get_entries": self._entries,
            "homeassistant/expose_entity/list": lambda _: {
                "exposed_entities": {one: {"conversation": True} for one in self.exposed}
            },
            "homeassistant/expose_new_entities/get": lambda _: {"expose_new": True},
            "get_config": lambda _: {
                "state": self.core_state,
                "location_name": "Casa",
                "latitude": 52.5,
                "longitude": 13.4,
                "unit_system": {"temperature": "°C"},
            },
        }

    def _entries(self, message: Message) -> Message:
        return {one["entity_id"]: one for one in self.entities if one["entity_id"] in message["entity_ids"]}

    async def _call(self, socket: web.WebSocketResponse, message: Message) -> None:
        fault, self.fault = self.fault, ServiceFault.NONE
        number = message["id"]
        if fault in {ServiceFault.REFUSED, ServiceFault.UNKNOWN}:
            await _refuse(socket, number, "not_found" if fault is ServiceFault.UNKNOWN else "service_validation_error")
            return
        if fault is ServiceFault.HUNG:
            return
        self.calls.append({key: value for key, value in message.items() if key not in {"id", "type"}})
        if fault is not ServiceFault.DEAF:
            await self._carry_out(message)
        if fault is ServiceFault.CUT:
            await self.cut()
        elif fault is not ServiceFault.SILENT:
            wants = message.get("return_response")
            result = {"context": {}, **({"response": self._response(message["service"])} if wants else {})}
            await _send(socket, {"id": number, "type": "result", "success": True, "result": result})

    def _response(self, service: str) -> Message:
        if service == "get_items":
            return {"todo.shopping": {"items": [{"summary": one} for one in self.items]}}
        return {"weather.home": {"forecast": self.forecast}}

    async def _carry_out(self, message: Message) -> None:
        after = _AFTER.get(message["service"])
        for one in message["target"]["entity_id"]:
            if after is not None and self.states.get(one, {"s": "unavailable"})["s"] != "unavailable":
                await self.change(one, after)


_AFTER = {
    "turn_on": "on",
    "turn_off": "off",
    "lock": "locked",
    "unlock": "unlocking",
    "open_cover": "opening",
    "close_cover": "closed",
    "media_play": "playing",
}


def _without_aliases(entry: Message) -> Message:
    """Return an entry as in the list; only a request for the entry itself returns its aliases."""
    return {key: value for key, value in entry.items() if key != "aliases"}


async def _send(socket: web.WebSocketResponse, message: Message) -> None:
    if not socket.closed:
        await asyncio.wait_for(socket.send_str(json.dumps(message)), 60)


async def _refuse(socket: web.WebSocketResponse, number: int, code: str) -> None:
    error = {"code": code, "message": "no"}
    await _send(socket, {"id": number, "type": "result", "success": False, "error": error})
