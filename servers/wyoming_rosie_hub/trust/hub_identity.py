"""Identity of the hub, which it issues itself. Needs cryptography."""

from itertools import count
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import rollover
from wyoming_rosie.trust.authority import AuthorityFiles, find_authority
from wyoming_rosie.trust.issuing import issue_local
from wyoming_rosie.trust.members import Registry, load_registry
from wyoming_rosie.trust.membership import Membership

NAME = "hub"


def ensure_hub_identity(house: Path, identity: Path, known: Membership | None) -> Membership:
    """Return the hub's membership of its own house, made if the registry does not have it; blocks. Raises ConfigError."""
    find_authority(house)
    registry = load_registry(AuthorityFiles(house).registry)
    membership = known or Membership.load(identity)
    if membership is not None:
        if not set(_split(membership.identity.authorities)) & set(rollover.trusted(house)):
            raise ConfigError(
                f"this hub belongs to another house by {identity}, and {house} has members of its own;"
                " remove the one that is not wanted"
            )
        if registry.find(membership.own.id) is not None:
            return membership
    issue_local(house, "hub", _free_name(registry), identity)
    made = Membership.load(identity)
    assert made is not None
    return made


def _free_name(registry: Registry) -> str:
    names = (NAME if number == 1 else f"{NAME}-{number}" for number in count(1))
    return next(name for name in names if registry.find(name) is None)


def _split(certificates: bytes) -> list[bytes]:
    end = b"-----END CERTIFICATE-----\n"
    return [part + end for part in certificates.split(end) if part.strip()]
