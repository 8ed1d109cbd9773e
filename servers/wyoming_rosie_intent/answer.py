"""The input of a conversation and the events of its answer, the same for rules, plugins and language models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.memory.spoken.sentences import MemoryRequest
from wyoming_rosie_intent.plugins.match import PluginMatch


@dataclass(frozen=True)
class ConversationInput:
    """A sentence, with the conversation, the turn and the room in which it was said."""

    text: str = field(repr=False)
    conversation_id: str
    language: str | None = None
    area: str | None = None  # id or name of the speaker's area
    turn_id: str | None = None
    speaker: str | None = None
    confirmed: frozenset[str] = frozenset()  # entities that were confirmed when the command was deferred
    continues: bool = False  # asks for the rest of the last answer
    allow_tools: bool = True  # otherwise nothing is executed, whatever is said
    allow_cloud: bool = True
    satellite: str | None = None  # id, as its conductor names it
    reminds_of_arrivals: bool = False  # whether the conductor does
    takes_late_answers: bool = False  # whether the conductor asks for them and speaks them
    delegates: bool = False  # commands are returned as intents, although there is an actor


@dataclass(frozen=True)
class AnswerChunk:
    """The next clause of an answer that is still being generated; all chunks together are its text."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Filler:
    """A few words while the answer is not ready; not part of its text."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class DeferredCommand:
    """A command that the conductor keeps until its time."""

    label: str  # the command in words
    confirmed: tuple[str, ...] = ()  # entities that need no confirmation any more


@dataclass(frozen=True)
class DelegateToConductor:
    """Outcome: the conductor acts. `deferred` has an entry for each intent that defers a command, in their order."""

    matches: tuple[Match, ...]
    deferred: tuple[DeferredCommand, ...] = ()
    remark: str = field(default="", repr=False)  # to be said after the conductor's answer


PendingAction: TypeAlias = tuple[Command, ...] | DelegateToConductor | PluginMatch | MemoryRequest
"""The action that a yes confirms: commands to execute now, one that the conductor is to keep, a plugin's or the memory's."""


@dataclass(frozen=True)
class PendingQuestion:
    """A question that the next sentence may answer: with a yes, or with the name of one of the options.

    Without an action or options it offers the rest of a long answer.
    """

    text: str = field(repr=False)
    action: PendingAction = ()
    options: Mapping[str, PendingAction] = field(default_factory=dict)

    @property
    def is_offer(self) -> bool:
        return self.action == () and not self.options


@dataclass(frozen=True)
class Handled:
    """Outcome: the commands were executed or the question was answered, unless a question has to be answered first."""

    text: str = field(repr=False)
    matches: tuple[Match, ...] = ()
    expects_reply: bool = False
    question: PendingQuestion | None = None
    is_private: bool = False  # a cloud must not read it
    late_answer: str | None = None  # id of the answer that is promised
    is_from_memory: bool = False  # it was told from the memory, which does not keep it again


@dataclass(frozen=True)
class NotHandled:
    """Outcome: the sentence was understood, but the commands cannot be executed, or the model failed."""

    text: str = field(repr=False)
    matches: tuple[Match, ...] = ()
    is_declined: bool = False  # by a plugin, so that a language model may answer
    is_from_memory: bool = False


@dataclass(frozen=True)
class NotRecognized:
    """Outcome: nothing understood the sentence."""

    text: str = field(repr=False)


Outcome: TypeAlias = Handled | NotHandled | NotRecognized | DelegateToConductor
AnswerEvent: TypeAlias = AnswerChunk | Filler | Outcome
"""An answer is any number of chunks and fillers, then one outcome."""
