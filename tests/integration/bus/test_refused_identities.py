"""Whoever has a wrong, revoked or missing identity, or a wrong certificate, is told why, and waits longer each time."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from tests.brokers import Broker, Mosquitto, Nats, Redis, free_port
from tests.daemons import Daemon
from tests.integration.bus.house import House, make_keys, open_house
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.interface import Source
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.secrets import Secret
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.worker import Stage, run_stage

pytestmark = pytest.mark.chaos  # it waits for growing pauses and databases: scripts/chaos runs it

SECONDS = 60.0
BUSES = ("mqtt", "redis", "nats")
USER = "bridge-voice"
Problem: TypeAlias = Callable[[], str | None]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(scope="module")
def expired_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose brokers' certificates ended yesterday."""
    with open_house(tmp_path_factory.mktemp("house"), change=expire_certificates) as one:
        yield one


def expire_certificates(folder: Path) -> None:
    key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    for broker in ("nats", "redis", "mosquitto"):
        file = folder / broker / "cert.pem"
        old = x509.load_pem_x509_certificate(file.read_bytes())
        names = (old.issuer, old.subject, old.public_key(), x509.random_serial_number())
        begin, end = (datetime.now(UTC) - timedelta(days=days) for days in (9, 1))
        new = x509.CertificateBuilder(*names, begin, end, list(old.extensions))
        file.write_bytes(new.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def url_of(house: House, bus: str) -> BrokerUrl:
    urls = {"mqtt": house.mqtt_url(USER), "redis": house.redis_url(USER), "nats": house.url(house.nats)}
    return urls[bus]


@asynccontextmanager
async def client_of(bus: str, url: BrokerUrl, nkey: Path | None) -> AsyncIterator[Problem]:
    """Run a client that tries to work; yields what tells its problem."""
    if bus == "mqtt":
        mqtt = PahoMqtt(url, f"test-{time.monotonic_ns()}")
        async with run_beside(mqtt.run()):
            yield lambda: mqtt.problem
    elif bus == "nats":
        events = NatsEvents(url, "wyoming-rosie-bridge", nkey_seed=nkey)
        async with run_beside(events.run()):
            yield lambda: events.problem
    else:
        async with open_redis(url) as jobs:
            stage = create_stage(jobs.source("audio:raw", 10))
            async with run_beside(run_stage(stage, StageMetrics(Metrics()))):
                yield lambda: jobs.problem


def create_stage(source: Source) -> Stage:
    async def never(*_: object) -> None:
        raise AssertionError("there is no job")

    return Stage("test", source, never, never)


async def assert_problem(bus: str, url: BrokerUrl, nkey: Path | None, *words: str) -> None:
    async with client_of(bus, url, nkey) as problem:
        await until(lambda: any(word in (problem() or "") for word in words))


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("secret", ["another", None], ids=["wrong", "missing"])
async def test_a_wrong_or_missing_secret_is_told(house: House, tmp_path: Path, bus: str, secret: str | None) -> None:
    nkey = tmp_path / "nats.nk"
    if secret is not None:
        make_keys(tmp_path / "other")
        nkey.write_text((tmp_path / "other" / "services" / USER / "nats.nk").read_text())
    url = replace(url_of(house, bus), secret=None if secret is None else Secret(secret))
    words = ("refuses this identity", "refused the connection: Not authorized", "Authentication required")
    await assert_problem(bus, url, nkey if secret else None, *words)


@pytest.mark.parametrize("bus", BUSES)
async def test_a_certificate_of_a_foreign_ca_is_told(house: House, bus: str, tmp_path: Path) -> None:
    make_keys(tmp_path / "other")
    url = replace(url_of(house, bus), ca_file=tmp_path / "other" / "ca.pem")
    await assert_problem(bus, url, house.nkey_file(USER), "its certificate is refused")


@pytest.mark.parametrize("bus", BUSES)
async def test_an_expired_certificate_is_told(expired_house: House, bus: str) -> None:
    expired = "its certificate is refused: certificate has expired"
    await assert_problem(bus, url_of(expired_house, bus), expired_house.nkey_file(USER), expired)


@pytest.mark.parametrize("bus", BUSES)
async def test_a_certificate_for_another_host_is_told(house: House, bus: str) -> None:
    url = url_of(house, bus)
    elsewhere = replace(url, url=url.url.replace("127.0.0.1", "127.0.0.2"))
    async with forwarding(int(url.port or 0), host="127.0.0.2") as (port, _):
        elsewhere = replace(elsewhere, url=elsewhere.url.replace(str(url.port), str(port)))
        await assert_problem(bus, elsewhere, house.nkey_file(USER), "its certificate is refused: IP address mismatch")


PLAIN = {"mqtts": "mqtt", "rediss": "redis", "tls": "nats"}


@pytest.mark.parametrize("bus", BUSES)
async def test_a_plain_connection_to_a_port_for_tls_is_told(house: House, bus: str) -> None:
    url = url_of(house, bus)
    plain = replace(url, url=url.url.replace(url.scheme, PLAIN[url.scheme]))
    words = ("perhaps its port is for TLS", "its certificate is refused", "onnection closed by server", "reset by peer")
    await assert_problem(bus, plain, house.nkey_file(USER), *words)


@pytest.mark.parametrize(("bus", "kind"), [("mqtt", Mosquitto), ("redis", Redis), ("nats", Nats)])
async def test_a_broker_without_tls_gets_nothing_from_who_wants_tls(
    house: House, tmp_path: Path, bus: str, kind: type[Broker]
) -> None:
    broker = kind(tmp_path)
    await broker.started()
    try:
        url = url_of(house, bus)
        url = replace(url, url=url.url.replace(str(url.port), str(broker.port)))
        await assert_problem(bus, url, None, "offers no TLS", "TLS failed", "cannot be reached", "it does not answer")
    finally:
        await broker.killed()


@asynccontextmanager
async def forwarding(port: int, host: str = "127.0.0.1") -> AsyncIterator[tuple[int, list[float]]]:
    """Forward connections to a port; yields another port, and the times at which somebody connected there."""
    attempts: list[float] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append(time.monotonic())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    server = await asyncio.start_server(forward, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], attempts


async def test_whoever_is_refused_tries_again_after_growing_pauses(house: House, tmp_path: Path) -> None:
    make_keys(tmp_path / "other")
    nkey = tmp_path / "other" / "services" / USER / "nats.nk"
    attempts = await asyncio.gather(*(count_attempts(bus, url_of(house, bus), nkey) for bus in BUSES))
    for bus, times in zip(BUSES, attempts, strict=True):
        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert pauses[2] > 1.5 * pauses[0], (bus, pauses)


async def count_attempts(bus: str, url: BrokerUrl, nkey: Path) -> list[float]:
    """Return the times of the first attempts with a wrong secret."""
    async with forwarding(int(url.port or 0)) as (port, attempts):
        url = replace(url, secret=Secret("wrong"), url=url.url.replace(str(url.port), str(port)))
        async with client_of(bus, url, nkey):
            await until(lambda: len(attempts) >= 4)
    return attempts


@pytest.mark.parametrize("newer_nats", [False, True], ids=["nats 2.9", "newer nats"])
async def test_a_revoked_nkey_is_told_and_a_restored_one_works_again(tmp_path: Path, *, newer_nats: bool) -> None:
    with open_house(tmp_path / "house", newer_nats=newer_nats) as house:
        configuration = house.nats.folder / "nats.conf"
        allowed = configuration.read_text()
        seed = house.nkey_file(USER)
        make_keys(tmp_path / "other")
        mine, other = (find_public_key(place / "nats" / "nats.conf") for place in (house.folder, tmp_path / "other"))
        assert house.nats.process is not None
        async with client_of("nats", house.url(house.nats), seed) as problem:
            await until(lambda: problem() is None)
            configuration.write_text(allowed.replace(mine, other))
            house.nats.process.send_signal(signal.SIGHUP)
            await until(lambda: "refuses this identity" in (problem() or ""))
            configuration.write_text(allowed)
            house.nats.process.send_signal(signal.SIGHUP)
            await until(lambda: problem() is None)


async def test_a_revoked_password_of_mqtt_is_told_and_a_restored_one_works_again(tmp_path: Path) -> None:
    with open_house(tmp_path / "house") as house:
        passwords = house.mosquitto.folder / "passwords"
        allowed = passwords.read_text()
        assert house.mosquitto.process is not None
        async with client_of("mqtt", house.mqtt_url(USER), None) as problem:
            await until(lambda: problem() is None)
            passwords.write_text("".join(f"{line}\n" for line in allowed.splitlines() if not line.startswith(USER)))
            house.mosquitto.process.send_signal(signal.SIGHUP)
            await until(lambda: "Not authorized" in (problem() or ""))
            passwords.write_text(allowed)
            house.mosquitto.process.send_signal(signal.SIGHUP)
            await until(lambda: problem() is None)


MQTT_OF_NATS = """
server_name: "test"
mqtt {{ host: "127.0.0.1", port: {port} }}
authorization {{ users: [{{ user: "kitchen", password: "secret", permissions: {{
  publish: {{ allow: [">"] }}, subscribe: {{ allow: ["voice.kitchen.>", "$MQTT.>"] }}
}} }}] }}
"""


async def test_a_refused_subscription_is_told_by_brokers_that_tell_it(tmp_path: Path) -> None:
    port, configuration = free_port(), tmp_path / "mqtt.conf"
    configuration.write_text(MQTT_OF_NATS.format(port=port))
    broker = Nats(tmp_path / "nats", ["-c", str(configuration)])
    mqtt = PahoMqtt(BrokerUrl(f"mqtt://kitchen@127.0.0.1:{port}", Secret("secret")), "kitchen")

    async def ignore(_: object) -> None:
        pass

    for topic_filter in ("voice/kitchen/say", "voice/+/audio_meta"):
        mqtt.subscribe(topic_filter, ignore)
    await broker.started()
    try:
        async with run_beside(mqtt.run()):
            await until(lambda: "does not let this user subscribe to voice/+/audio_meta" in (mqtt.problem or ""))
    finally:
        await broker.killed()


def find_public_key(configuration: Path) -> str:
    """Return the nkey of the voice role."""
    text = configuration.read_text()
    comment = text.index("# The bridge with one role")
    return text[text.index('nkey: "', comment) + 7 :].split('"')[0]


# The same with the installed command.


def read_health(port: int) -> dict[str, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=SECONDS) as answer:
            document = json.load(answer)
    except HTTPError as err:
        document = json.load(err)
    return dict(document["parts"])


async def health_until(port: int, condition: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    async with asyncio.timeout(SECONDS):
        while not condition(parts := await asyncio.to_thread(read_health, port)):
            await asyncio.sleep(0.1)
    return parts


async def test_a_bridge_with_wrong_secrets_says_so_without_telling_them(house: House, tmp_path: Path) -> None:
    make_keys(tmp_path / "other")
    nkey = tmp_path / "other" / "services" / USER / "nats.nk"
    secrets = {"MQTT_PASSWORD": "a-wrong-mqtt-secret", "REDIS_PASSWORD": "a-wrong-redis-secret"}
    async with AsyncExitStack() as stack:
        bridge = await start_bridge(stack, house, "--debug", nkey=nkey, secrets=secrets)
        wrong = ("refused the connection", "refuses this identity", "refuses this identity")
        parts = await health_until(
            bridge.port, lambda parts: all(text in parts[bus] for bus, text in zip(BUSES, wrong, strict=True))
        )
        command_line = await asyncio.to_thread(psutil.Process(bridge.daemon.process.pid).cmdline)
    for secret in (*secrets.values(), nkey.read_text().strip()):
        assert secret not in str(command_line)
        assert secret not in str(parts)
        assert secret not in str(bridge.daemon.log)


class Bridge:
    """A running bridge, and the port of its health."""

    def __init__(self, daemon: Daemon, port: int) -> None:
        self.daemon, self.port = daemon, port


async def start_bridge(
    stack: AsyncExitStack,
    house: House,
    *flags: str,
    nkey: Path | None = None,
    secrets: dict[str, str] | None = None,
) -> Bridge:
    port = free_port()
    given = [*house.flags(USER, nkey), "--role", "voice", "--http-port", str(port), *flags]
    daemon = await Daemon.start("bridge", *given, env=secrets or house.environment(USER))

    async def stop() -> None:
        assert await daemon.stop() == 0

    stack.push_async_callback(stop)
    return Bridge(daemon, port)
