"""Records of the objects, with which the next process continues."""

import json
from dataclasses import dataclass

import structlog

from wyoming_rosie.bus.envelope import load_json
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.bus.interface import Jobs
from wyoming_rosie.bus.schema import from_data, to_data
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie_bridge.vision.frigate.state import KEEP_SECONDS, MAX_OBJECTS, State
from wyoming_rosie_bridge.vision.frigate.tracking import SwitchedState, TrackedObject

_LOG = structlog.get_logger()
SWITCH_SECONDS = 30 * 86_400.0
"""How long the state of a door is kept, which Frigate tells only when it changes."""
MAX_INDEX_BYTES = 2**20
_INDEX = "#index"  # no ID of Frigate has this character


@dataclass(frozen=True)
class FrigateIndex:
    """Which objects were active, and when Frigate was last heard."""

    active: tuple[str, ...] = ()
    contact: float | None = None


class ObjectRecords:
    """The records of one Frigate. All methods raise BusError."""

    def __init__(self, jobs: Jobs, instance: str) -> None:
        self._jobs, self._instance = jobs, instance

    async def save(self, state: State) -> None:
        """Record the state of an object."""
        seconds = SWITCH_SECONDS if isinstance(state, SwitchedState) else KEEP_SECONDS
        await self._jobs.record(self._name(state.id), _encode(to_data(state)), seconds)
        pass_failpoint("frigate.recorded")

    async def recall(self, state_id: str) -> State | None:
        """Return the recorded state, None if there is none that is valid: an older version may have written it."""
        text = await self._jobs.recall(self._name(state_id))
        kind: type[State] = SwitchedState if ":" in state_id else TrackedObject
        try:
            return None if text is None else from_data(kind, load_json(text.encode()))
        except BadMessageError as err:
            _LOG.warning("Frigate's record is not valid", id=state_id, reason=str(err))
            return None

    async def save_index(self, index: FrigateIndex) -> None:
        """Record which objects are active."""
        text = _encode({"active": index.active, "contact": index.contact})
        await self._jobs.record(self._name(_INDEX), text, KEEP_SECONDS)

    async def recall_index(self) -> FrigateIndex:
        """Return the recorded index, an empty one if there is none that is valid."""
        text = await self._jobs.recall(self._name(_INDEX))
        try:
            document = Fields(load_json((text or "{}").encode(), MAX_INDEX_BYTES), BadMessageError)
            return FrigateIndex(document.texts("active", MAX_OBJECTS), document.optional_number("contact"))
        except BadMessageError as err:
            _LOG.warning("Frigate's index is not valid", reason=str(err))
            return FrigateIndex()

    def _name(self, state_id: str) -> str:
        return f"frigate:obj:{self._instance}:{state_id}"


def _encode(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
