"""HTTPS of the hub's web server."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import StartDaemon
from tests.web_client import PASSWORD, Credentials, create_credentials, page_of, start_web
from wyoming_rosie.http.certificates import CertificateFiles, ensure_certificate, fingerprint, utc_now
from wyoming_rosie_hub.web.doors import SESSION_COOKIE


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return create_credentials(tmp_path / "state")


async def test_who_trusts_the_house_gets_its_page_safely(daemon: StartDaemon, credentials: Credentials) -> None:
    hub = await start_web(daemon, "--web.tls", "--data-dir", str(credentials.folder))
    files = CertificateFiles(credentials.folder / "tls")
    trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=files.authority))
    async with aiohttp.ClientSession(await page_of(hub), connector=trusting) as client:
        async with client.post("/api/v1/session", json={"secret": PASSWORD}) as answer:
            assert answer.cookies[SESSION_COOKIE]["secure"]
            assert "Strict-Transport-Security" in answer.headers
        async with client.get("/ca") as answer:
            steps = await answer.text()
        assert await asyncio.to_thread(fingerprint, files.authority) in steps
        assert "<script" not in steps
        async with client.get("/ca.crt") as answer:
            assert await answer.read() == files.authority.read_bytes()
            assert answer.content_type == "application/x-x509-ca-cert"
    async with aiohttp.ClientSession(await page_of(hub)) as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get("/health")


async def test_who_comes_by_plain_http_is_led_to_https(daemon: StartDaemon, credentials: Credentials) -> None:
    hub = await start_web(daemon, "--web.tls", "--data-dir", str(credentials.folder))
    plain = (await page_of(hub)).replace("https:", "http:")
    async with aiohttp.ClientSession(plain) as client:
        async with client.get("/?kiosk=1", allow_redirects=False) as answer:
            assert answer.status == 308
            assert answer.headers["Location"] == f"{await page_of(hub)}/?kiosk=1"
        async with client.get("/ca.crt") as answer:
            assert answer.status == 200
        async with client.post("/api/v1/session", json={"secret": PASSWORD}) as answer:
            assert answer.status == 403
            assert (await answer.json())["code"] == "tls"
            assert SESSION_COOKIE not in answer.cookies


async def test_other_machines_get_https_by_default(daemon: StartDaemon, credentials: Credentials) -> None:
    hub = await start_web(daemon, "--web.host", "0.0.0.0", "--data-dir", str(credentials.folder))
    line = await hub.wait_for_line("page")
    assert line["uri"].startswith("https://")
    assert line["trust"].endswith("/ca")


@pytest.fixture
def given(tmp_path: Path) -> CertificateFiles:
    files = CertificateFiles(tmp_path / "given")
    ensure_certificate(files, ("localhost", "127.0.0.1"), utc_now())
    return files


async def test_a_given_certificate_is_used(
    daemon: StartDaemon, credentials: Credentials, given: CertificateFiles
) -> None:
    flags = ("--web.certificate", str(given.certificate), "--web.key", str(given.key))
    hub = await start_web(daemon, *flags, "--data-dir", str(credentials.folder))
    trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=given.authority))
    async with aiohttp.ClientSession(await page_of(hub), connector=trusting) as client:
        async with client.get("/health") as answer:
            assert answer.status == 200
        async with client.get("/ca.crt") as answer:
            assert answer.status == 404


async def test_the_calls_are_listed_without_a_foreign_host(daemon: StartDaemon, tmp_path: Path) -> None:
    hub = await start_web(daemon, "--data-dir", str(tmp_path))
    async with aiohttp.ClientSession(await page_of(hub)) as client:
        async with client.get("/docs") as answer:
            page = await answer.text()
        assert "POST /api/v1/prompt" in page
        assert "://" not in page
        async with client.get("/openapi.json") as answer:
            schema = await answer.json()
    assert {"/api/v1/prompt", "/api/v1/config", "/api/v1/turns/{turn_id}"} <= set(schema["paths"])
