"""Trials of speaker identification: voices as vectors, homes of enrolled voices with guests, and what becomes of each test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.engine import SpeakerEngine
from wyoming_rosie.audio.speakers.identification import OWN_MARGIN, VoiceIndex, VoiceSample, embed_speech, mean_vector
from wyoming_rosie.audio.speakers.spectrum import Floats
from wyoming_rosie.audio.speakers.store import EnrolledPerson

ENROLLED = 5
MIN_ENROLLED = 3
PAUSE_SECONDS = 0.5
TESTS = 30
SYNTHETIC_TESTS = 3
FALSE_NAMES = 0.01
NOISES = 6
"""Vectors of noise at the end of a cohort."""
MARGINS = tuple(step / 100 for step in range(30, -31, -2))
HOMES, AT_HOME = 6, 4
ECHO, ECHO_SECONDS = 0.015, 0.3
LOUDSPEAKER_HZ = (150, 7000)


@dataclass(frozen=True)
class Condition:
    """How much speech is heard, how soft the noise is below it, and whether a loudspeaker plays it."""

    seconds: float
    snr: int | None = None
    is_replay: bool = False

    def __str__(self) -> str:
        noise = "quiet" if self.snr is None else f"noise {self.snr} dB softer"
        return f"{self.seconds:g} s, {'replayed' if self.is_replay else noise}"


CONDITIONS = tuple(Condition(seconds, snr) for seconds in (1.5, 3.0, 5.0) for snr in (None, 20, 10))
REPLAY = Condition(3.0, is_replay=True)


@dataclass(frozen=True)
class Voice:
    """A voice: the vectors of its enrolment, none if there is too little speech, and the samples of its tests."""

    name: str
    vectors: Floats | None
    tests: Mapping[Condition, Sequence[VoiceSample | None]]

    def person(self, engine: SpeakerEngine) -> EnrolledPerson:
        assert self.vectors is not None
        return EnrolledPerson(self.name, engine.name, self.vectors, 0.0)


@dataclass
class Outcomes:
    """Counts of tests: of voices that are enrolled, and of guests."""

    owners: int = 0
    nearest: int = 0  # the right person, if somebody had to be named
    named: int = 0
    confused: int = 0
    guests: int = 0
    guests_named: int = 0


@dataclass(frozen=True)
class Homes:
    """Homes with enrolled voices, and guests of all of them."""

    engine: SpeakerEngine
    homes: Sequence[Sequence[Voice]]
    guests: Sequence[Voice]

    def count(self, margin: float = OWN_MARGIN) -> Mapping[object, Outcomes]:
        """Return the outcomes by condition."""
        found: dict[object, Outcomes] = {condition: Outcomes() for condition in CONDITIONS}
        for home in self.homes:
            index = VoiceIndex(self.engine, [voice.person(self.engine) for voice in home], margin)
            for condition in CONDITIONS:
                for voice in home:
                    count_owner(index, home, voice, condition, found[condition])
                for guest in self.guests:
                    count_guest(index, guest, condition, found[condition])
        return found


@dataclass(frozen=True)
class OtherCohort:
    """An engine's numbers with another cohort; it embeds nothing."""

    name: str
    threshold: float
    change_threshold: float
    cohort: Floats

    def embed(self, pcm: bytes) -> Floats | None:
        raise NotImplementedError


def embed_voice(
    engine: SpeakerEngine, name: str, clips: Sequence[bytes], noise: bytes, *, with_replay: bool = False
) -> Voice:
    """Enrol the first sentences, and test with the others; a voice with less speech is only a guest."""
    is_long = len(clips) > MIN_ENROLLED
    enrolled = clips[: min(ENROLLED, len(clips) - 1)] if is_long else ()
    vectors = [vector for clip in enrolled if (vector := engine.embed(clip)) is not None]
    rest = b"".join(clips[len(enrolled) :])
    count = TESTS if with_replay else SYNTHETIC_TESTS
    conditions = (*CONDITIONS, REPLAY) if with_replay else CONDITIONS
    tests = {
        one: [embed_test(engine, piece, noise, one) for piece in cut(rest, one.seconds, count)] for one in conditions
    }
    return Voice(name, np.stack(vectors) if len(vectors) >= MIN_ENROLLED else None, tests)


def cut(pcm: bytes, seconds: float, count: int) -> Iterator[bytes]:
    size = SPEECH.bytes_in(seconds)
    yield from [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)][:count]


def embed_test(engine: SpeakerEngine, piece: bytes, noise: bytes, condition: Condition) -> VoiceSample | None:
    """Return the voice in a piece between two pauses, as the asr daemon hears it."""
    pause = bytes(SPEECH.bytes_in(PAUSE_SECONDS))
    heard = pause + (replay(piece) if condition.is_replay else piece) + pause
    if condition.snr is not None:
        heard = mix(pause, piece, noise, condition.snr)
    begin, margin = round(1000 * PAUSE_SECONDS), 200
    return embed_speech(engine, heard, [(begin + margin, begin + round(1000 * condition.seconds) - margin)])


def count_people(engine: SpeakerEngine, people: Sequence[Voice]) -> Mapping[Condition, Outcomes]:
    """Count each person as enrolled beside all others, and as a guest of the others."""
    found = {condition: Outcomes() for condition in (*CONDITIONS, REPLAY)}
    enrolled = [voice for voice in people if voice.vectors is not None]
    whole = VoiceIndex(engine, [voice.person(engine) for voice in enrolled])
    for voice in people:
        others = VoiceIndex(engine, [other.person(engine) for other in enrolled if other is not voice])
        for condition, outcomes in found.items():
            if voice in enrolled:
                count_owner(whole, enrolled, voice, condition, outcomes)
            count_guest(others, voice, condition, outcomes)
    return found


def count_owner(
    index: VoiceIndex, home: Sequence[Voice], voice: Voice, condition: Condition, outcomes: Outcomes
) -> None:
    for sample in voice.tests[condition]:
        speaker = None if sample is None else index.identify(sample)
        outcomes.owners += 1
        outcomes.named += speaker is not None and speaker.person == voice.name
        outcomes.confused += speaker is not None and speaker.person != voice.name
        outcomes.nearest += sample is not None and nearest(home, sample) is voice


def count_guest(index: VoiceIndex, voice: Voice, condition: Condition, outcomes: Outcomes) -> None:
    for sample in voice.tests[condition]:
        outcomes.guests += 1
        outcomes.guests_named += sample is not None and index.identify(sample) is not None


def nearest(home: Sequence[Voice], sample: VoiceSample) -> Voice:
    return max(home, key=lambda voice: float(mean_vector(voice.vectors) @ sample.vector))  # type: ignore[arg-type]


def split_homes(engine: SpeakerEngine, speakers: Sequence[Sequence[Voice]], seed: int) -> tuple[Homes, Homes]:
    """Divide the speakers into a cohort and two parts: one to choose the margin on, one to count."""
    rng = np.random.default_rng(seed)
    voices = [speakers[at][int(rng.integers(len(speakers[at])))] for at in rng.permutation(len(speakers))]
    third = len(voices) // 3
    others = [mean_vector(voice.vectors) for voice in voices[:third] if voice.vectors is not None]
    cohort = np.vstack([others, engine.cohort[-NOISES:]])
    numbers = OtherCohort(engine.name, engine.threshold, engine.change_threshold, cohort)
    parts = voices[third : 2 * third], voices[2 * third :]
    develop, test = (_fill_homes(numbers, part, rng) for part in parts)
    return develop, test


def _fill_homes(engine: SpeakerEngine, voices: Sequence[Voice], rng: np.random.Generator) -> Homes:
    owners = voices[::2]
    homes = [[owners[at] for at in rng.choice(len(owners), AT_HOME, replace=False)] for _ in range(HOMES)]
    return Homes(engine, homes, voices[1::2])


def choose_margin(homes: Homes) -> float:
    """Return the widest margin of MARGINS with which at most FALSE_NAMES of the guests are named."""
    for margin in MARGINS:
        outcomes = homes.count(margin).values()
        if sum(one.guests_named for one in outcomes) <= FALSE_NAMES * sum(one.guests for one in outcomes):
            return margin
    return MARGINS[-1]


def mix(pause: bytes, pcm: bytes, noise: bytes, snr: int) -> bytes:
    """Return speech between two pauses with noise that is `snr` dB softer."""
    level = (np.frombuffer(pcm, np.int16).astype(np.float64) ** 2).mean()
    speech, sound = (np.frombuffer(part, np.int16).astype(np.float64) for part in (pause + pcm + pause, noise))
    sound = np.resize(sound, len(speech))
    gain = np.sqrt(level / (sound**2).mean()) * 10 ** (-snr / 20)
    return bytes(np.clip(speech + gain * sound, -32768, 32767).astype(np.int16).tobytes())


def replay(pcm: bytes) -> bytes:
    """Return a recording as a small loudspeaker plays it in a room: without lows and highs, with an echo that fades."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    times = np.arange(round(ECHO_SECONDS * SPEECH.rate)) / SPEECH.rate
    room = np.random.default_rng(0).normal(0, ECHO, len(times)) * np.exp(-times * 6.9 / ECHO_SECONDS)
    room[0] = 1.0
    size = len(samples) + len(room)
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(room, size)
    hertz = np.fft.rfftfreq(size, 1 / SPEECH.rate)
    spectrum[(hertz < LOUDSPEAKER_HZ[0]) | (hertz > LOUDSPEAKER_HZ[1])] = 0
    return bytes(np.clip(np.fft.irfft(spectrum, size)[: len(samples)], -32768, 32767).astype(np.int16).tobytes())
