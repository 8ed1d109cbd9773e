"""A house whose brokers have the example configuration: keys, certificates, and an identity per service."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.brokers import Broker, TlsMosquitto, TlsNats, TlsRedis
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.runtime.secrets import Secret

SCRIPT = Path(__file__).parents[3] / "scripts" / "broker_keys.py"
DEVICES = ("kitchen", "office")


@dataclass(frozen=True)
class House:
    """The folder of the keys, and the brokers."""

    folder: Path
    mosquitto: TlsMosquitto
    redis: TlsRedis
    nats: TlsNats

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def secret(self, user: str, variable: str) -> str:
        """Return the password of a user, or the seed of its nkey."""
        if variable == "NKEY":
            return self.nkey_file(user).read_text().strip()
        return self.environment(user)[variable]

    def nkey_file(self, user: str) -> Path:
        return self.folder / "services" / user / "nats.nk"

    def url(self, broker: Broker, user: str | None = None, secret: str | None = None) -> BrokerUrl:
        name = "" if user is None else f"{user}@"
        login = None if secret is None else Secret(secret)
        return BrokerUrl(f"{broker.scheme}://{name}127.0.0.1:{broker.port}", login, self.ca_file)

    def mqtt_url(self, user: str) -> BrokerUrl:
        return self.url(self.mosquitto, user, self.secret(user, "MQTT_PASSWORD"))

    def redis_url(self, user: str) -> BrokerUrl:
        return self.url(self.redis, user, self.secret(user, "REDIS_PASSWORD"))

    def flags(self, user: str, nkey: Path | None = None) -> list[str]:
        """Return the flags with which the bridge runs as a user."""
        return [
            "--broker.mqtt", f"mqtts://{user}@127.0.0.1:{self.mosquitto.port}",
            "--broker.redis", f"rediss://{user}@127.0.0.1:{self.redis.port}",
            "--broker.nats", f"tls://127.0.0.1:{self.nats.port}",
            "--broker.nats-nkey", str(nkey or self.nkey_file(user)), "--broker.ca-file", str(self.ca_file),
        ]  # fmt: skip

    def environment(self, user: str) -> dict[str, str]:
        lines = (self.folder / "services" / user / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def make_keys(folder: Path) -> None:
    """Run scripts/broker-keys."""
    devices = [word for device in DEVICES for word in ("--device", device)]
    hosts = ["--host", "127.0.0.1", "--host", "localhost"]
    subprocess.run([sys.executable, str(SCRIPT), str(folder), *hosts, *devices], check=True, capture_output=True)


@contextmanager
def open_house(
    folder: Path, *, newer_nats: bool = True, change: Callable[[Path], None] = lambda _: None
) -> Iterator[House]:
    """Make the keys, change them, and run the brokers during the block."""
    make_keys(folder)
    change(folder)
    house = House(
        folder,
        TlsMosquitto(folder / "mosquitto"),
        TlsRedis(folder / "redis"),
        TlsNats(folder / "nats", installed_by_pip=newer_nats),
    )
    brokers = (house.mosquitto, house.redis, house.nats)
    try:
        for broker in brokers:
            broker.start()
            broker.wait()
        yield house
    finally:
        for broker in brokers:
            broker.kill()
