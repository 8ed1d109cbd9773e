"""Documents: the list of the API's calls, and the certificate of the house with the steps to trust it."""

import asyncio
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, Response

from wyoming_rosie import __version__
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie_hub.web.guard import NEEDS_READ
from wyoming_rosie_hub.web.trust_code import choose_trust_uri, draw_svg

CERTIFICATE_TYPE = "application/x-x509-ca-cert"
STEPS = (
    ("Android", "Settings, Security, Encryption and credentials, Install a certificate, CA certificate."),
    ("iPhone, iPad", "Open the file in Safari; Settings, Profile Downloaded, Install; then General, About, Certificate Trust Settings: switch it on."),
    ("Windows", "Open the file, Install Certificate, Local Machine, Trusted Root Certification Authorities."),
    ("macOS", "Open the file, add it to System, open it there, Trust, Always Trust."),
    ("Debian, Raspberry Pi OS", "sudo cp rosie.crt /usr/local/share/ca-certificates/ && sudo update-ca-certificates"),
    ("Firefox", "Settings, Privacy and Security, View Certificates, Authorities, Import: trust it for websites."),
    ("Chrome on Linux", "Settings, Privacy and security, Security, Manage certificates, Custom, Import."),
)  # fmt: skip
"""Where each system keeps the authorities that it trusts."""


def create_router(application: FastAPI, authority: Path | None, address: str | None = None) -> APIRouter:
    """Return the routes; the pages have no script and load nothing.

    `address` is where other devices reach this machine.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json", dependencies=[NEEDS_READ])
    async def get_schema() -> dict[str, Any]:
        return _schema(application)

    @router.get("/docs", dependencies=[NEEDS_READ])
    async def get_docs() -> HTMLResponse:
        return HTMLResponse(_page("The HTTP API", "".join(_describe_calls(_schema(application)))))

    @router.get("/ca.crt")
    async def get_certificate() -> Response:
        content = await asyncio.to_thread(_authority(authority).read_bytes)
        headers = {"Content-Disposition": 'attachment; filename="rosie.crt"'}
        return Response(content, media_type=CERTIFICATE_TYPE, headers=headers)

    @router.get("/ca")
    async def get_steps(request: Request) -> HTMLResponse:
        from wyoming_rosie.http.certificates import fingerprint

        sha256 = await asyncio.to_thread(fingerprint, _authority(authority))
        uri = choose_trust_uri(request.headers.get("host", ""), address)
        return HTMLResponse(_page("Trust this house", "".join(_describe_steps(sha256, uri))))

    return router


def _authority(authority: Path | None) -> Path:
    if authority is None:
        raise ApiRequestError("this hub has no certificate of its own; see --web.tls", "tls", HTTPStatus.NOT_FOUND)
    return authority


def _schema(application: FastAPI) -> dict[str, Any]:
    return get_openapi(title="wyoming-rosie", version=__version__, routes=application.routes)


def _describe_calls(schema: dict[str, Any]) -> Iterator[str]:
    yield '<p>As <a href="/openapi.json">OpenAPI</a>. Keys, scopes and limits: docs/api.md.</p>'
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(call.get('description', ''))}</p>"
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = body.get("$ref", "").rpartition("/")[2]
            if fields := schema.get("components", {}).get("schemas", {}).get(name, {}).get("properties"):
                yield "<ul>" + "".join(
                    f"<li><code>{escape(key)}</code> {_kind(one)}</li>" for key, one in fields.items()
                )
                yield "</ul>"


def _kind(field: dict[str, Any]) -> str:
    kinds = [one.get("type", "") for one in field.get("anyOf", [field])]
    return escape(", ".join(kind if kind != "null" else "optional" for kind in kinds))


def _describe_steps(sha256: str, uri: str | None) -> Iterator[str]:
    yield "<p>Browsers ask before they show this page, and give no microphone, until they trust the house.</p>"
    yield '<p><a href="/ca.crt" download="rosie.crt">Download the certificate</a>, and add it on each device:</p><dl>'
    yield from (f"<dt>{escape(system)}</dt><dd>{escape(step)}</dd>" for system, step in STEPS)
    yield f"</dl><p>Its SHA-256, as in the hub's log: <code>{sha256}</code></p>"
    if uri is not None:
        yield f"<p>On another device, take this picture with its camera, or open {escape(uri)}:</p><p>{draw_svg(uri)}</p>"
    yield "<p>It vouches for names and addresses of local networks only.</p>"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · wyoming-rosie</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
