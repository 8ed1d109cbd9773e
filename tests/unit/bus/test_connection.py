"""Addresses of brokers: no password in a URL, no plain connection to other machines, TLS that is checked."""

from pathlib import Path

import pytest

from wyoming_rosie.bus.connection import BrokerUrl, parse_broker_url
from wyoming_rosie.errors import ConfigError

VARIABLE = "TEST_BROKER_PASSWORD"


def parse(url: str, *, allow_plain: bool = False, ca_file: Path | None = None) -> BrokerUrl:
    return parse_broker_url("--broker.test", url, VARIABLE, ca_file, allow_plain=allow_plain)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nats://me:hunter2@127.0.0.1:4222", f"shows in the process list; set {VARIABLE}"),
        ("redis://:hunter2@127.0.0.1:6379", f"shows in the process list; set {VARIABLE}"),
        ("mqtt://me:@127.0.0.1:1883", "shows in the process list"),
        ("nats://192.168.1.2:4222", "use tls://, or --broker.plain"),
        ("redis://redis.home:6379", "use rediss://, or --broker.plain"),
        ("mqtt://10.0.0.1", "use mqtts://, or --broker.plain"),
        ("http://127.0.0.1:1883", "is not SCHEME://HOST:PORT"),
        ("127.0.0.1:1883", "is not SCHEME://HOST:PORT"),
        ("mqtt://", "is not SCHEME://HOST:PORT"),
        ("", "is not SCHEME://HOST:PORT"),
        ("mqtt://127.0.0.1:99999", "is not a URL"),
        ("mqtt://127.0.0.1:x", "is not a URL"),
        ("mqtt://[::1", "is not a URL"),
        ("rediss://127.0.0.1:6379?ssl_cert_reqs=none", "no query"),
        ("rediss://127.0.0.1:6379#x", "no query"),
    ],
)
def test_an_address_is_refused_with_what_to_do(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=r"^--broker\.test: ") as caught:
        parse(url)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["nats://127.0.0.1:4222", "redis://localhost", "mqtt://[::1]:1883", "mqtt://127.1.2.3"])
def test_this_machine_needs_no_tls(url: str) -> None:
    address = parse(url)
    assert not address.uses_tls
    assert address.ssl_context() is None


@pytest.mark.parametrize("url", ["tls://10.0.0.1:4222", "rediss://redis.home", "mqtts://mqtt.home:8883"])
def test_other_machines_are_reached_by_tls_that_is_checked(url: str) -> None:
    address = parse(url)
    assert address.uses_tls
    context = address.ssl_context()
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.minimum_version.name in ("TLSv1_2", "TLSv1_3")


def test_a_network_of_ones_own_may_be_plain() -> None:
    assert parse("nats://10.0.0.1:4222", allow_plain=True).port == 4222


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_certificates_that_cannot_be_read_are_told_at_the_start(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(ConfigError, match=r"cannot read the certificates in .*ca\.pem"):
        parse("tls://10.0.0.1:4222", ca_file=ca_file)


def test_the_secret_comes_from_the_environment_and_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " p@ss/word:#% ")
    address = parse("rediss://rosie%40home@redis.home:6380/2")
    assert address.secret is not None
    assert address.secret.read() == "p@ss/word:#%"
    assert "ss/word" not in repr(address)
    assert address.without_user() == "rediss://redis.home:6380/2"
    assert address.user == "rosie@home"


def test_an_address_of_ipv6_keeps_its_brackets() -> None:
    assert parse("redis://[::1]:6379").without_user() == "redis://[::1]:6379"
    assert parse("redis://me@[::1]").without_user() == "redis://[::1]"
