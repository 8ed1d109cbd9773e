"""Mattermost as its API, version 4, answers, with its WebSocket, and a hub that answers sentences."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from wyoming_rosie_intent.plugins.fake_service import FakeService, Fault, ServiceRequest

TOKEN, OWN_TOKEN = "a secret token of the bot", "a secret token of Ada"
BOT, ADA, TOM, THOMAS = "userbot", "userada", "usertom", "userthomas"
FAMILY, WORK, DIRECT = "channelfamily", "channelwork", "channeldirect"


def user(user_id: str, username: str, first_name: str = "", last_name: str = "", *, is_bot: bool = False) -> dict[str, Any]:  # fmt: skip
    names = {"first_name": first_name, "last_name": last_name, "nickname": ""}
    return {"id": user_id, "username": username, **names, "delete_at": 0, "is_bot": is_bot, "roles": "system_user"}


def channel(channel_id: str, name: str, display_name: str, kind: str = "O") -> dict[str, Any]:
    return {
        "id": channel_id,
        "team_id": "teamhome",
        "type": kind,
        "name": name,
        "display_name": display_name,
        "delete_at": 0,
        "last_post_at": 0,
    }


def respond(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return JSON with the very type that Mattermost names, which the generated client insists on."""
    return web.Response(body=json.dumps(data).encode(), status=status, headers=headers, content_type="application/json")


class MattermostService(FakeService):
    """Keeps posts; whoever is connected by WebSocket is told of them, unless `is_silent`."""

    def __init__(self) -> None:
        super().__init__()
        self.users = [
            user(BOT, "rosie", is_bot=True),
            user(ADA, "ada", "Ada", "Lovelace"),
            user(TOM, "tom", "Tom", "Hill"),
            user(THOMAS, "tom2", "Tom", "Lake"),
        ]
        self.channels = {
            FAMILY: channel(FAMILY, "family", "Family"),
            WORK: channel(WORK, "work", "Work", "P"),
            DIRECT: channel(DIRECT, f"{BOT}__{ADA}", "", "D"),
        }
        self.posts: dict[str, dict[str, Any]] = {}
        self.created: list[Mapping[str, Any]] = []
        self.late: list[Mapping[str, Any]] = []  # sent to a response_url
        self.mentions: dict[str, int] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.refuses_sockets = False
        self.is_silent = False
        self._seq = 0
        self._clock = int(time.time() * 1000)

    async def answer(self, request: ServiceRequest) -> web.Response:
        if request.path.startswith("/hooks/commands/"):
            self.late.append(request.json)
            return web.Response(text="ok")
        if request.path == "/hooks/alerts" and request.method == "POST":
            self.created.append({"message": request.json["text"], "from": "webhook"})
            return web.Response(text="ok")
        me = {f"Bearer {TOKEN}": BOT, f"Bearer {OWN_TOKEN}": ADA}.get(request.headers.get("Authorization", ""))
        if me is None:
            return self.create_error(Fault.UNAUTHORIZED)
        match request.method, request.path.removeprefix("/api/v4/").split("/"):
            case "GET", ["users", "me"]:
                return respond(next(one for one in self.users if one["id"] == me))
            case "GET", ["users", "me", "teams"]:
                return respond([{"id": "teamhome", "name": "home"}])
            case "GET", ["users", "me", "teams", _, "channels"]:
                return respond(list(self.channels.values()))
            case "GET", ["users", "me", "teams", _, "channels", "members"]:
                return respond([self._member(channel_id, me) for channel_id in self.channels])
            case "GET", ["users"]:
                page, size = int(request.query["page"]), self.page_size or int(request.query["per_page"])
                return respond(self.users[page * size : (page + 1) * size])
            case "GET", ["channels", channel_id, "posts"]:
                return self._list_posts(channel_id, int(request.query["since"]))
            case "POST", ["channels", "direct"]:
                return respond({"id": f"direct-{request.json[1]}", "type": "D"}, status=201)
            case "POST", ["posts"]:
                self.created.append({**request.json, "from": me})
                return respond({"id": f"created{len(self.created)}", **request.json}, status=201)
        return respond({"id": "api.context.404.app_error", "message": "not found", "status_code": 404}, status=404)  # fmt: skip

    def is_change(self, request: ServiceRequest) -> bool:
        return request.method == "POST" and request.path != "/api/v4/channels/direct"

    def create_error(self, fault: Fault) -> web.Response:
        body = {"id": "api.context.error", "message": "refused", "status_code": int(fault)}
        return respond(body, status=int(fault), headers={"X-Ratelimit-Reset": "1", "Retry-After": "0"})

    async def write(self, message: str, channel_id: str = FAMILY, user_id: str = ADA, **other: Any) -> str:
        """Let somebody write a post; return its id."""
        self._clock += 1000
        post_id = f"post{len(self.posts)}"
        post = {
            "id": post_id,
            "create_at": self._clock,
            "update_at": self._clock,
            "delete_at": 0,
            "user_id": user_id,
            "channel_id": channel_id,
            "root_id": "",
            "message": message,
            "type": "",
            "props": {},
            **other,
        }
        self.posts[post_id] = post
        self.channels[channel_id]["last_post_at"] = self._clock
        place = self.channels[channel_id]
        data = {
            "channel_display_name": place["display_name"],
            "channel_name": place["name"],
            "channel_type": place["type"],
            "sender_name": "@" + next(one["username"] for one in self.users if one["id"] == user_id),
            "post": json.dumps(post),
            "mentions": json.dumps([BOT]),
        }
        await self.send_event("posted", data)
        return post_id

    async def send_event(self, name: str, data: Mapping[str, Any]) -> None:
        self._seq += 1
        if not self.is_silent:
            for socket in self.sockets:
                await socket.send_json({"event": name, "data": data, "broadcast": {}, "seq": self._seq})

    async def send_text(self, text: str) -> None:
        for socket in self.sockets:
            with suppress(ConnectionError):  # the other side may not want it
                await socket.send_str(text)

    async def disconnect(self) -> None:
        for socket in list(self.sockets):
            await socket.close()

    async def _on_request(self, received: web.Request) -> web.StreamResponse:
        if received.path == "/api/v4/websocket":
            return await self._talk(received)
        return await super()._on_request(received)

    async def _talk(self, received: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(received)
        challenge = await socket.receive_json()
        is_known = challenge["data"]["token"] == TOKEN and not self.refuses_sockets
        if not is_known:
            await socket.send_json({"status": "FAIL", "error": {"id": "api.web_socket_router"}, "seq_reply": 1})
            await socket.close()
            return socket
        self._seq = 0
        await socket.send_json({"event": "hello", "data": {"server_version": "11.1.0"}, "broadcast": {}, "seq": 0})
        await socket.send_json({"status": "OK", "seq_reply": challenge["seq"]})
        self.sockets.append(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self.sockets.remove(socket)
        return socket

    def _member(self, channel_id: str, user_id: str) -> dict[str, Any]:
        count = self.mentions.get(channel_id, 0)
        return {"channel_id": channel_id, "user_id": user_id, "mention_count": count, "last_viewed_at": 1_700_000_000_000}  # fmt: skip

    def _list_posts(self, channel_id: str, since: int) -> web.Response:
        found = [post for post in self.posts.values() if post["channel_id"] == channel_id and post["create_at"] >= since]  # fmt: skip
        order = [post["id"] for post in reversed(found)]
        return respond({"order": order, "posts": {post["id"]: post for post in found}})


class HubService(FakeService):
    """Answers each sentence with `text`, and speaks in the kitchen."""

    def __init__(self, text: str = "It is on.", *, expects_reply: bool = False) -> None:
        super().__init__()
        self.text = text
        self.expects_reply = expects_reply
        self.refusal: tuple[int, str] | None = None
        self.asked: list[Mapping[str, Any]] = []
        self.spoken: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, request: ServiceRequest) -> web.Response:
        if request.headers.get("Authorization") != "Bearer key of the hub":
            return self.create_error(Fault.UNAUTHORIZED)
        match request.path.removeprefix("/api/v1/"):
            case "prompt":
                self.asked.append(request.json)
                await self.may_answer.wait()
                if self.refusal is not None:
                    return web.json_response({"error": self.refusal[1], "code": "x"}, status=self.refusal[0])
                answer = {"text": self.text, "expects_reply": self.expects_reply, "turn_id": "1", "succeeded": True}
                return web.json_response({**answer, "conversation_id": request.json["conversation_id"]})
            case "satellites":
                places = [("a", "Bath", True), ("b", "Kitchen", False), ("c", "Kitchen", True)]
                return web.json_response([{"id": one, "area": area, "is_connected": is_there} for one, area, is_there in places])  # fmt: skip
            case "satellites/c/announce":
                self.spoken.append(request.json["text"])
                return web.json_response({"status": "queued"}, status=202)
        return web.json_response({"error": "not found", "code": "x"}, status=404)
