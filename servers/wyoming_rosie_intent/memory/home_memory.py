"""The memory of one home: its service, the dialogues that use it, and the programs that may ask it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from wyoming_rosie.config import data_folder, state_folder
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.home.model import Home
from wyoming_rosie.protocol.admission import Network, is_allowed, parse_networks
from wyoming_rosie.protocol.connection import PeerSender, Send
from wyoming_rosie.trust.peer import STDIO_PEER, UNIX_PEER
from wyoming_rosie_intent.handler import Question
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory, MemoryPolicy
from wyoming_rosie_intent.memory.problems import NOT_OPEN
from wyoming_rosie_intent.memory.requests import MemoryRequests
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.settings import MemorySettings, create_service

MEMORY = "memory"
"""Name of the user-event that asks the memory."""
NO_MEMORY = "the memory is off; see [intent.memory] enabled"
FOREIGN_PEER = "your machine may not use the memory; see [intent.memory] peers"


@dataclass(frozen=True)
class HomeMemory:
    """The memory of the daemon: its service, and what dialogues and other programs use of it."""

    service: MemoryService
    dialogue: DialogueMemory
    requests: MemoryRequests
    peers: tuple[Network, ...]

    def answers(self, send: object) -> bool:
        """Return whether the peer of a connection may read and change the memory."""
        if not isinstance(send, PeerSender):
            return False
        has_address = send.peer not in (UNIX_PEER, STDIO_PEER)
        return not has_address or is_allowed(send.peer.host, self.peers)

    def get_problem(self) -> str | None:
        """Return why it does not work; None also while it is being opened."""
        return None if self.service.problem == NOT_OPEN else self.service.problem


def create(settings: MemorySettings, get_home: Callable[[], Home], clock: Callable[[], datetime]) -> HomeMemory | None:
    """Create the memory, not yet opened; None if it is off. Raises ConfigError."""
    if not settings.enabled:
        return None
    service = create_service(settings, state_folder("intent"), data_folder(), time.time)
    policy = MemoryPolicy(settings.off_rooms, settings.off_persons, settings.guests, settings.cloud_allowed)
    dialogue = DialogueMemory(service, get_home, policy)
    requests = MemoryRequests(service, dialogue, get_home, clock)
    return HomeMemory(service, dialogue, requests, parse_networks(settings.peers, "--memory.peers"))


def create_questions(memory: HomeMemory | None, send: Send) -> Mapping[str, Question]:
    """Return the answer to requests to the memory, for peers that may use it; others get the reason."""
    if memory is None:
        return {MEMORY: _refuse(NO_MEMORY)}
    return {MEMORY: memory.requests.answer if memory.answers(send) else _refuse(FOREIGN_PEER)}


def _refuse(reason: str) -> Question:
    def answer(_: object) -> Mapping[str, object]:
        raise BadEventError(reason, "memory")

    return answer
