"""Keys, certificates and passwords of a house's brokers, and their configuration from docs/examples/brokers."""

import argparse
import base64
import hashlib
import ipaddress
import os
import re
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

import nkeys

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples" / "brokers"
BROKERS = {
    "nats": ("nats.conf",),
    "redis": ("redis.conf", "users.acl"),
    "mosquitto": ("mosquitto.conf", "mosquitto.acl"),
}
CA_DAYS, CERTIFICATE_DAYS = 3650, 825
HASH_ROUNDS = 10_000
_PLACE = re.compile(r"@(FOLDER|NKEY|SHA256)(?: ([\w-]+))?@")
_MQTT_USER = re.compile(r"^user ([\w-]+)$", re.MULTILINE)
_DEVICE_ID = re.compile(r"[a-z0-9_-]{1,64}")


class House:
    """The folder with a house's secrets. What is there stays; only the brokers' certificates are made anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def write(self, hosts: Sequence[str], devices: Sequence[str]) -> None:
        """Write everything."""
        self._create_ca()
        for broker, examples in BROKERS.items():
            self._make_folder(broker)
            self._create_certificate(broker, hosts)
            for example in examples:
                text = _PLACE.sub(self._fill_in, (EXAMPLES / example).read_text())
                write_private(self.folder / broker / example, text)
        self._write_mqtt_passwords(devices)

    def password(self, user: str, variable: str) -> str:
        """Return a user's password, which is made the first time."""
        file = self._make_folder("services", user) / "env"
        lines = file.read_text().splitlines() if file.exists() else []
        known = dict(line.split("=", 1) for line in lines)
        if variable not in known:
            known[variable] = secrets.token_urlsafe(32)
            write_private(file, "".join(f"{name}={value}\n" for name, value in known.items()))
        return known[variable]

    def nkey(self, user: str) -> str:
        """Return a user's public nkey, whose seed is made the first time."""
        file = self._make_folder("services", user) / "nats.nk"
        if not file.exists():
            write_private(file, nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode() + "\n")
        return str(nkeys.from_seed(bytearray(file.read_bytes().strip())).public_key.decode())

    def _fill_in(self, place: re.Match[str]) -> str:
        kind, user = place.groups()
        if kind == "FOLDER":
            return str(self.folder)
        if kind == "NKEY":
            return self.nkey(user)
        return hashlib.sha256(self.password(user, "REDIS_PASSWORD").encode()).hexdigest()

    def _write_mqtt_passwords(self, devices: Sequence[str]) -> None:
        file = self.folder / "mosquitto" / "passwords"
        earlier = [line.split(":")[0] for line in file.read_text().splitlines()] if file.exists() else []
        users = dict.fromkeys([*_MQTT_USER.findall((EXAMPLES / "mosquitto.acl").read_text()), *earlier, *devices])
        hashes = {user: hash_mqtt_password(self.password(user, "MQTT_PASSWORD")) for user in users}
        write_private(file, "".join(f"{user}:{hashed}\n" for user, hashed in hashes.items()))

    def _create_ca(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # each broker enters its own folder below
        certificate, key = self.folder / "ca.pem", self.folder / "ca-key.pem"
        if not key.exists():
            uses = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
            run_openssl("wyoming-rosie CA of this house", certificate, key, CA_DAYS, uses)
        certificate.chmod(0o644)

    def _create_certificate(self, broker: str, hosts: Sequence[str]) -> None:
        names = ",".join(f"{'IP' if is_address(host) else 'DNS'}:{host}" for host in hosts)
        uses = (f"subjectAltName={names}", "basicConstraints=CA:FALSE", "extendedKeyUsage=serverAuth")
        place = self.folder / broker
        signed_by = ("-CA", str(self.folder / "ca.pem"), "-CAkey", str(self.folder / "ca-key.pem"))
        run_openssl(broker, place / "cert.pem", place / "key.pem", CERTIFICATE_DAYS, uses, signed_by)

    def _make_folder(self, *names: str) -> Path:
        folder = self.folder.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def run_openssl(
    name: str, certificate: Path, key: Path, days: int, extensions: Sequence[str], signed_by: Sequence[str] = ()
) -> None:
    """Make a key and its certificate."""
    added = [word for extension in extensions for word in ("-addext", extension)]
    words = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
        "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate), *added, *signed_by,
    ]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - these words are ours


def hash_mqtt_password(password: str) -> str:
    """Return a password as mosquitto_passwd writes it."""
    salt = secrets.token_bytes(12)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return f"$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}"


def is_address(host: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    file.write_text(text)
    file.chmod(0o600)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to keep them")
    parser.add_argument("--host", action="append", help="name or address of the brokers' machine; may be given again")
    parser.add_argument("--device", action="append", default=[], help="ID of an MQTT device; may be given again")
    given = parser.parse_args()
    for device in given.device:
        if not _DEVICE_ID.fullmatch(device):
            parser.error(f"--device: '{device}' must have 1 to 64 of a-z, 0-9, _ and -")
    os.umask(0o077)
    House(given.folder).write(given.host or ["localhost", "127.0.0.1"], given.device)
    print(f"{given.folder}: brokers in {', '.join(BROKERS)}; services and devices in services")


if __name__ == "__main__":
    main()
