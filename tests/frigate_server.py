"""Simulation of Frigate's HTTP API: its database, and what can be wrong with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from wyoming_rosie.http.server import serve_http


def database_row(tracked: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an object as the HTTP API gives it: other names, and boxes as left, top, width, height from 0 to 1."""
    left, top, right, bottom = tracked["box"]
    return {
        "id": tracked["id"],
        "label": tracked["label"],
        "sub_label": tracked["sub_label"],
        "camera": tracked["camera"],
        "start_time": tracked["start_time"],
        "end_time": tracked["end_time"],
        "false_positive": None,
        "zones": tracked["entered_zones"],
        "thumbnail": "",
        "has_clip": True,
        "has_snapshot": True,
        "data": {
            "top_score": tracked["top_score"],
            "score": tracked["score"],
            "box": [left / 1280, top / 720, (right - left) / 1280, (bottom - top) / 720],
            "type": "object",
        },
        **changes,
    }


class FrigateServer:
    """The simulated server. `status` is that of all answers; `body` replaces all answers."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.reviews: list[dict[str, Any]] = []
        self.cameras: dict[str, Any] = {"front_door": {"detect": {"width": 1280, "height": 720}}}
        self.token: str | None = None
        self.status = 200
        self.body: bytes | None = None
        self.location = ""
        self.requests: list[str] = []
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FrigateServer"]:
        """Serve during the block."""
        application = web.Application()
        application.router.add_get("/api/{name}", self._answer)
        async with serve_http(application, "127.0.0.1", 0, "--port") as bound:
            self.url = f"http://127.0.0.1:{bound.port}"
            yield self

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({}, status=401)
        if self.status != 200 or self.body is not None:
            headers = {"Location": self.location} if self.location else {}
            return web.Response(status=self.status, body=self.body or b"", headers=headers)
        answers = {"config": self._config, "events": self._events, "event_ids": self._event_ids, "review": self._review}
        return web.json_response(answers[request.match_info["name"]](request))

    def _config(self, _: web.Request) -> object:
        return {"cameras": self.cameras}

    def _events(self, request: web.Request) -> object:
        query = request.query
        rows = sorted(self.rows.values(), key=lambda row: row["start_time"], reverse=True)
        if "in_progress" in query:
            rows = [row for row in rows if (row["end_time"] is None) == (query["in_progress"] == "1")]
        if "after" in query:
            rows = [row for row in rows if row["start_time"] > float(query["after"])]
        offset = int(query.get("offset", "0"))
        return rows[offset : offset + int(query.get("limit", "100"))]

    def _event_ids(self, request: web.Request) -> object:
        return [self.rows[one] for one in request.query["ids"].split(",") if one in self.rows]

    def _review(self, request: web.Request) -> object:
        return [one for one in self.reviews if one["start_time"] > float(request.query.get("after", "0"))]
