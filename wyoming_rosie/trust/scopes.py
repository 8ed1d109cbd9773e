"""Scopes: the kinds of requests that a member of the house, or a client with a key of the hub's API, may make."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, TypeAlias, get_args


class Scope(StrEnum):
    """A kind of request. ADMIN includes all others."""

    AUDIO = "audio"  # send and receive sound
    TEXT = "text"  # send sentences, receive answers
    ACT = "act"  # change something in the house
    READ = "read"  # see what is in the house
    ADMIN = "admin"


TALK = "talk"
"""Name of TALK_SCOPES in files, requests and flags of earlier versions."""
TALK_SCOPES = frozenset({Scope.AUDIO, Scope.TEXT, Scope.ACT})
ScopeName: TypeAlias = Literal["audio", "text", "act", "read", "admin", "talk"]
SCOPE_NAMES = frozenset(get_args(ScopeName))


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return scopes by their names. Raises ValueError."""
    given = set(names)
    return frozenset(map(Scope, given - {TALK})) | (TALK_SCOPES if TALK in given else frozenset())


def parse_known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return scopes by their names, without those of later versions."""
    return parse_scopes(name for name in names if name in SCOPE_NAMES)


def includes(scopes: frozenset[Scope], wanted: Scope) -> bool:
    """Return whether scopes allow requests of the wanted one."""
    return not scopes.isdisjoint({wanted, Scope.ADMIN})
