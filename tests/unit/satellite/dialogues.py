"""Dialogues as data: what people say, what the conductor sends, and what the satellite must send.

The same lists drive the rules in a unit test and a whole satellite in an integration test.
"""

from dataclasses import dataclass
from typing import TypeAlias

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.timer import TimerFinished, TimerStarted
from wyoming.tts import Synthesize
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped

from wyoming_rosie_satellite.messages import MAIN_SLOT

RATE = 22_050


@dataclass(frozen=True)
class UserSays:
    """Somebody says a wake word and goes on speaking."""

    word: str


@dataclass(frozen=True, init=False)
class ConductorSends:
    """The conductor of a slot sends events."""

    events: tuple[Event, ...]
    slot: str

    def __init__(self, *events: Event, slot: str = MAIN_SLOT) -> None:
        object.__setattr__(self, "events", events)
        object.__setattr__(self, "slot", slot)


@dataclass(frozen=True, init=False)
class SatelliteSends:
    """The satellite sends a slot events of these types, and no others; a run of audio chunks counts as one."""

    types: tuple[str, ...]
    slot: str

    def __init__(self, *types: str, slot: str = MAIN_SLOT) -> None:
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "slot", slot)


Step: TypeAlias = UserSays | ConductorSends | SatelliteSends
Dialogue: TypeAlias = list[Step]


def merge_repeated_chunks(types: list[str], last: str) -> list[str]:
    """Return the event types that came after one of type `last`, a run of audio chunks as one."""
    before = [last, *types]
    return [kind for kind, previous in zip(types, before, strict=False) if not kind == previous == "audio-chunk"]


def sound(seconds: float) -> Event:
    return AudioChunk(RATE, 2, 1, b"\x10\x00" * round(seconds * RATE)).event()


SOUND_START = AudioStart(RATE, 2, 1).event()
ANSWER = (SOUND_START, sound(0.1), sound(0.1), AudioStop().event())
OKAY_NABU = UserSays("okay_nabu")
JOINS = ConductorSends(RunSatellite().event())
PAUSES = ConductorSends(PauseSatellite().event())
TRANSCRIBED = (
    Transcribe(language="en").event(),
    VoiceStarted(timestamp=100).event(),
    VoiceStopped(timestamp=900).event(),
    Transcript(text="turn on the light").event(),
)
RUN = SatelliteSends("detection", "run-pipeline", "audio-chunk")
LISTEN_AGAIN = UserEvent(name="listen-again").event()
FAILURE = Error(text="nothing was said", code="no-speech").event()
SPEAKS = ConductorSends(Synthesize(text="Done.").event(), *ANSWER)
TIMER = (TimerStarted(id="t", total_seconds=1).event(), TimerFinished(id="t").event())
TURN: Dialogue = [OKAY_NABU, RUN, ConductorSends(*TRANSCRIBED), SatelliteSends(), SPEAKS, SatelliteSends("played")]

DIALOGUES: dict[str, Dialogue] = {
    "a command, its answer, and the next": [JOINS, *TURN, *TURN],
    "sound before the text of a streamed answer": [
        *(JOINS, OKAY_NABU, RUN, ConductorSends(*TRANSCRIBED, *ANSWER[:2])),
        *(ConductorSends(Synthesize(text="Done.").event(), *ANSWER[2:]), SatelliteSends("played")),
    ],
    "a wake word after a failure": [JOINS, OKAY_NABU, RUN, ConductorSends(FAILURE), SatelliteSends(), *TURN],
    "a wake word instead of an answer": [JOINS, OKAY_NABU, RUN, ConductorSends(*TRANSCRIBED), SatelliteSends(), *TURN],
    "an announcement without a run": [JOINS, SPEAKS, SatelliteSends("played"), *TURN],
    "two announcements at once are one sound": [
        JOINS,
        ConductorSends(*ANSWER, *ANSWER),
        SatelliteSends("played"),
        SatelliteSends(),
    ],
    "a question is answered without a wake word": [
        *(
            JOINS,
            OKAY_NABU,
            RUN,
            ConductorSends(*TRANSCRIBED, LISTEN_AGAIN),
            SPEAKS,
            SatelliteSends("played", "run-pipeline", "audio-chunk"),
        ),
        *(ConductorSends(*TRANSCRIBED), SatelliteSends(), SPEAKS, SatelliteSends("played"), SatelliteSends()),
    ],
    "a question asked while it is spoken": [
        *(
            JOINS,
            ConductorSends(*ANSWER[:2], LISTEN_AGAIN, *ANSWER[2:]),
            SatelliteSends("played", "run-pipeline", "audio-chunk"),
        ),
        *(ConductorSends(FAILURE), SatelliteSends()),
    ],
    "a wake word interrupts an answer, whose rest is not played": [
        *(
            JOINS,
            ConductorSends(SOUND_START, sound(9)),
            OKAY_NABU,
            SatelliteSends("played", "detection", "run-pipeline", "audio-chunk"),
        ),
        *(
            ConductorSends(sound(9), AudioStop().event(), *TRANSCRIBED),
            SatelliteSends(),
            SPEAKS,
            SatelliteSends("played"),
        ),
    ],
    "an answer in the middle of a command ends it": [JOINS, OKAY_NABU, RUN, SPEAKS, SatelliteSends("played")],
    "a wake word is ignored while nobody conducts": [OKAY_NABU, SatelliteSends(), JOINS, SatelliteSends()],
    "what is paused hears no wake word": [JOINS, PAUSES, OKAY_NABU, SatelliteSends(), JOINS, *TURN],
    "what is paused may still announce": [
        JOINS,
        PAUSES,
        SPEAKS,
        SatelliteSends("played"),
        OKAY_NABU,
        SatelliteSends(),
        JOINS,
        *TURN,
    ],
    "an announcement that is paused in the middle is heard": [
        *(
            JOINS,
            ConductorSends(SOUND_START, sound(0.1)),
            PAUSES,
            ConductorSends(sound(0.1), AudioStop().event()),
            SatelliteSends("played"),
        ),
        *(OKAY_NABU, SatelliteSends(), JOINS, *TURN),
    ],
    "a question that is announced while paused is not listened for": [
        *(
            JOINS,
            PAUSES,
            ConductorSends(SOUND_START, LISTEN_AGAIN, *ANSWER[1:]),
            SatelliteSends("played"),
            SatelliteSends(),
        ),
    ],
    "a pause ends a run": [JOINS, OKAY_NABU, RUN, PAUSES, SatelliteSends(), JOINS, *TURN],
    "run-satellite again changes nothing": [
        JOINS,
        OKAY_NABU,
        RUN,
        JOINS,
        ConductorSends(*TRANSCRIBED),
        SatelliteSends(),
        SPEAKS,
        SatelliteSends("played"),
    ],
    "timers are noted": [JOINS, ConductorSends(*TIMER), SatelliteSends(), *TURN],
    "events of other programs are ignored": [JOINS, ConductorSends(Event("streaming-started"), Event("wonder")), *TURN],
}

JARVIS = "hey_jarvis"
HEY_JARVIS = UserSays(JARVIS)
JARVIS_JOINS = ConductorSends(RunSatellite().event(), slot=JARVIS)
JARVIS_PAUSES = ConductorSends(PauseSatellite().event(), slot=JARVIS)
JARVIS_SPEAKS = ConductorSends(Synthesize(text="Done.").event(), *ANSWER, slot=JARVIS)
JARVIS_RUN = SatelliteSends("detection", "run-pipeline", "audio-chunk", slot=JARVIS)
JARVIS_TURN: Dialogue = [
    *(HEY_JARVIS, JARVIS_RUN, ConductorSends(*TRANSCRIBED, slot=JARVIS), SatelliteSends(slot=JARVIS)),
    *(JARVIS_SPEAKS, SatelliteSends("played", slot=JARVIS)),
]
TO_NOBODY = (SatelliteSends(), SatelliteSends(slot=JARVIS))

DIALOGUES_OF_TWO: dict[str, Dialogue] = {
    "each word has its conductor": [
        *(JOINS, JARVIS_JOINS, *TURN, SatelliteSends(slot=JARVIS)),
        *(*JARVIS_TURN, SatelliteSends(), *TURN, SatelliteSends(slot=JARVIS)),
    ],
    "a word whose conductor is away": [
        JOINS,
        HEY_JARVIS,
        *TO_NOBODY,
        *TURN,
        JARVIS_JOINS,
        *JARVIS_TURN,
        SatelliteSends(),
    ],
    "the other word is heard while the first one's conductor is away": [
        *(JARVIS_JOINS, OKAY_NABU, *TO_NOBODY, *JARVIS_TURN, SatelliteSends()),
    ],
    "one is paused while the other listens": [
        *(JOINS, JARVIS_JOINS, PAUSES, OKAY_NABU, *TO_NOBODY, *JARVIS_TURN, JARVIS_PAUSES, HEY_JARVIS, *TO_NOBODY),
        *(JOINS, *TURN, HEY_JARVIS, *TO_NOBODY),
    ],
    "a conductor leaves in the middle of the other's run": [
        *(
            JOINS,
            JARVIS_JOINS,
            OKAY_NABU,
            RUN,
            JARVIS_PAUSES,
            ConductorSends(*TRANSCRIBED),
            SatelliteSends(),
            SPEAKS,
            SatelliteSends("played"),
        ),
        *(HEY_JARVIS, *TO_NOBODY),
    ],
    "a conductor leaves in the middle of its run": [
        *(JOINS, JARVIS_JOINS, HEY_JARVIS, JARVIS_RUN, JARVIS_PAUSES, *TO_NOBODY, *TURN),
    ],
    "an announcement while nobody is talked to": [
        *(JOINS, JARVIS_JOINS, *TURN, JARVIS_SPEAKS, SatelliteSends("played", slot=JARVIS), SatelliteSends(), *TURN),
    ],
    "an announcement in the middle of the other's run is refused": [
        *(JOINS, JARVIS_JOINS, OKAY_NABU, RUN, JARVIS_SPEAKS, SatelliteSends("error", slot=JARVIS)),
        *(
            ConductorSends(*TRANSCRIBED),
            SatelliteSends(),
            SPEAKS,
            SatelliteSends("played"),
            JARVIS_SPEAKS,
            SatelliteSends("played", slot=JARVIS),
        ),
    ],
    "the rest of a refused announcement is not played": [
        *(JOINS, JARVIS_JOINS, OKAY_NABU, RUN, ConductorSends(SOUND_START, sound(0.1), slot=JARVIS)),
        *(
            SatelliteSends("error", slot=JARVIS),
            ConductorSends(FAILURE),
            ConductorSends(sound(0.1), AudioStop().event(), slot=JARVIS),
        ),
        *(*TO_NOBODY, *TURN),
    ],
    "a word interrupts the other's answer, whose rest is not played": [
        *(JOINS, JARVIS_JOINS, ConductorSends(SOUND_START, sound(9)), HEY_JARVIS, SatelliteSends("played"), JARVIS_RUN),
        *(
            ConductorSends(sound(9), AudioStop().event()),
            SatelliteSends(),
            ConductorSends(*TRANSCRIBED, slot=JARVIS),
            SatelliteSends(slot=JARVIS),
        ),
        *(JARVIS_SPEAKS, SatelliteSends("played", slot=JARVIS), SatelliteSends()),
    ],
    "what the other says in the middle of a run ends nothing": [
        *(JOINS, JARVIS_JOINS, OKAY_NABU, RUN, ConductorSends(*TRANSCRIBED, LISTEN_AGAIN, FAILURE, slot=JARVIS)),
        *(
            SatelliteSends(slot=JARVIS),
            ConductorSends(*TRANSCRIBED),
            SatelliteSends(),
            SPEAKS,
            SatelliteSends("played"),
        ),
    ],
}
