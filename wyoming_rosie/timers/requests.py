"""Intents that a conductor carries out, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SatelliteIdentity:
    """Name and area of a satellite, and the language of the turn.

    `caller` is the member or key of the house that it is, by whose rights it asks and acts or not.
    """

    satellite_id: str
    area: str | None = None
    language: str = "en"
    caller: str | None = None
    may_act: bool = True
    may_ask: bool = True  # otherwise nothing that it sends is listened to
    is_of_another_make: bool = False


@dataclass(frozen=True)
class DelayedCommandInfo:
    """Details of a delayed command that the intent daemon will carry out itself."""

    label: str
    confirmed: tuple[str, ...] = ()
    speaker: str | None = None  # who gave it


@dataclass(frozen=True)
class IntentRequest:
    """An intent that the hub has to carry out, and the satellite it came from."""

    intent: str
    slots: Mapping[str, object]
    satellite: SatelliteIdentity
    delayed: DelayedCommandInfo | None = None


@dataclass(frozen=True)
class SpokenAnswer:
    """The complete answer. An empty text means that nothing is to be spoken, or that the text came in chunks before."""

    text: str
    expects_reply: bool = False
    succeeded: bool = True  # False if it says that something was not done
