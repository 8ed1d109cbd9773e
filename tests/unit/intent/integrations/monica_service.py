"""Monica 4 as its API answers, and version 5 as far as it matters."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from wyoming_rosie_intent.plugins.fake_service import FakeService, Fault, ServiceRequest

TOKEN = "a secret token of Monica"
MISSING = {"error": {"message": "The resource has not been found", "error_code": 31}}


def contact(
    contact_id: int,
    first_name: str,
    last_name: str | None = None,
    *,
    birthdate: str | None = None,
    is_age_based: bool = False,
    is_year_unknown: bool = False,
    job: str | None = None,
    company: str | None = None,
    **other: object,
) -> dict[str, Any]:
    """Return a contact as Monica sends it."""
    dates = {"is_age_based": is_age_based, "is_year_unknown": is_year_unknown, "date": birthdate}
    return {
        "id": contact_id,
        "object": "contact",
        "hash_id": f"h:{contact_id}",
        "first_name": first_name,
        "last_name": last_name,
        "nickname": None,
        "gender": "Woman",
        "is_partial": False,
        "is_dead": False,
        "last_called": None,
        "last_activity_together": None,
        "stay_in_touch_frequency": None,
        "information": {
            "relationships": {"love": {"total": 0, "contacts": []}},
            "dates": {"birthdate": dates},
            "career": {"job": job, "company": company},
            "food_preferences": None,
        },
        "addresses": [],
        "tags": [],
        "account": {"id": 1},
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        **other,
    }


CONTACTS = (
    contact(
        1,
        "Ada",
        "Lovelace",
        birthdate="1985-05-05T00:00:00Z",
        job="analyst",
        company="Babbage",
        last_called="2026-11-20T09:00:00Z",
        last_activity_together="2026-10-01T00:00:00Z",
    ),
    contact(2, "Tom", "Hill", birthdate="1990-12-01T00:00:00Z", is_year_unknown=True),
    contact(3, "Tom", "Lake", birthdate="1988-02-29T00:00:00Z"),
    contact(4, "Grace", "Hopper", nickname="Amazing", birthdate="1986-01-01T00:00:00Z", is_age_based=True),
    contact(5, "Alan", "Turing", birthdate="1912-06-23T00:00:00Z", is_dead=True),
    contact(6, "Ida", None, is_partial=True),
)


class MonicaService(FakeService):
    """Keeps contacts, and what is written about them in `added`, by kind."""

    def __init__(self, contacts: Sequence[Mapping[str, Any]] = CONTACTS, version: int = 4) -> None:
        super().__init__()
        self.contacts = list(contacts)
        self.version = version
        self.added: list[tuple[str, Mapping[str, Any]]] = []

    async def answer(self, request: ServiceRequest) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Unauthenticated."}, status=401)
        match request.method, request.path.removeprefix("/api").strip("/").split("/"):
            case "GET", ["vaults"] if self.version == 5:
                return web.json_response({"data": []})
            case _ if self.version != 4:
                return web.json_response({"message": "not found"}, status=404)
            case "GET", ["contacts"]:
                return self._list(request)
            case "GET", ["contacts", contact_id]:
                found = [one for one in self.contacts if str(one.get("id")) == contact_id]
                return web.json_response({"data": found[0]}) if found else web.json_response(MISSING, status=404)
            case "POST", [("notes" | "calls" | "reminders" | "tasks") as kind]:
                self.added.append((kind, request.json))
                return web.json_response({"data": {"id": len(self.added), **request.json}}, status=201)
        return web.json_response(MISSING, status=404)

    def create_error(self, fault: Fault) -> web.Response:
        body = {"error": {"message": "refused", "error_code": 30}}
        return web.json_response(body, status=int(fault), headers={"Retry-After": "0"})

    def _list(self, request: ServiceRequest) -> web.Response:
        page, limit = int(request.query.get("page", "1")), int(request.query.get("limit", "15"))
        size = min(limit, self.page_size or limit)
        last = max(1, -(-len(self.contacts) // size))
        meta = {"current_page": page, "last_page": last, "per_page": size, "total": len(self.contacts)}
        return web.json_response({"data": self.contacts[(page - 1) * size : page * size], "links": {}, "meta": meta})
