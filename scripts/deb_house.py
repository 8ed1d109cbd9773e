"""The house's certificates: services join by `pair --local` and by a code, and a spoken turn goes over TLS."""

import re
from collections.abc import Iterator

from scripts.deb_suite import Container, Suite, add_settings, debs, require, take_turn, use_recording, wait_until

ROLES = ("satellite", "vad", "asr", "intent", "tts", "hub")
MEMBERS = ("satellite", "asr", "hub")
STATE = "/var/lib/private/wyoming-rosie"
ADDRESS = "10.77.0.2"
"""The container's own, which is not the loopback one."""
JOIN_BY_CODE = """\
wyoming-rosie pair Speech --role asr --host 127.0.0.1 --json > /run/pairing &
while ! grep -q code /run/pairing; do sleep 0.2; done
sed -n 's/.*"code": "\\([0-9-]*\\)".*/\\1@127.0.0.1/p' /run/pairing | wyoming-rosie join --program asr
wait $!
"""
"""The code goes to standard input, as when somebody types it: `ps` shows no secret."""


def check_house(suite: Suite) -> Iterator[tuple[str, str]]:
    """Make services members of a house, and let them talk by TLS."""
    with suite.container() as container:
        names = [f"wyoming-rosie-{role}" for role in ("common", "audio", *ROLES)]
        container.run("sh", "-c", f"apt-get -qq -y install --no-install-recommends {debs('debs', *names)}")
        use_recording(container)
        yield "pair --local satellite", _pair_local(container)
        yield "join by a code", container.run("sh", "-c", JOIN_BY_CODE).strip()
        _connect_by_tls(container)
        yield "identities", _look_at_identities(container)
        yield "a spoken turn over TLS", take_turn(container)
        yield "plain port, from outside", _try_plain_port(container)
        yield "trust service", _look_at_ports(container)


def _pair_local(container: Container) -> str:
    """Make the satellite a member; the hub, which runs, becomes one by itself. Raises CheckError."""
    wait_until(lambda: container.is_active("wyoming-rosie-hub"), "the hub active")
    said = container.run("wyoming-rosie", "pair", "Hall", "--local", "satellite").strip()
    identity = container.root / f"{STATE[1:]}/hub/identity"
    seconds = wait_until((identity / "member.pem").exists, "the hub is a member")
    return f"{said} The hub {seconds:.1f} s later."


def _connect_by_tls(container: Container) -> None:
    settings = container.settings
    settings.write_text(settings.read_text().replace("tcp://127.0.0.1:10700", "tls://127.0.0.1:11700"))
    add_settings(container, {"hub": 'asr_uri = "tls://127.0.0.1:11300"'})
    container.run("systemctl", "restart", "wyoming-rosie-asr", "wyoming-rosie-hub", "wyoming-rosie-satellite")


def _look_at_identities(container: Container) -> str:
    """Return how the keys can be read: by each service's own user alone. Raises CheckError."""
    found = container.run("sh", "-c", f"stat -c '%a %u %n' {STATE}/*/identity/member.pem {STATE}/hub/tls/authority.key")
    keys = [line.split() for line in found.splitlines()]
    require(len(keys) == len(MEMBERS) + 1, f"too few keys: {found}")
    require(all(mode == "600" and user != "0" for mode, user, _ in keys), found)
    return f"{len(keys)} keys, each with mode 600 and of its service's user"


def _try_plain_port(container: Container) -> str:
    """Return how the plain port of a member answers another machine. Raises CheckError."""
    said = container.run("sh", "-c", f"wyoming-rosie check tcp://{ADDRESS}:10300 2>&1", allowed=(0, 1, 2))
    require("without TLS" in said, f"the plain port admits other machines: {said}")
    return "closed without TLS"


def _look_at_ports(container: Container) -> str:
    """Return the ports that listen for members. Raises CheckError."""
    listening = set(re.findall(r":(\d+)\s", container.run("ss", "-Hltn")))
    wanted = {"10900", "11300", "11700"}
    require(wanted <= listening, f"ports {sorted(wanted - listening)} do not listen")
    return f"ports {', '.join(sorted(wanted))} listen"
