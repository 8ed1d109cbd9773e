"""The phrases that a satellite says after a failure."""

import asyncio
import tomllib
from array import array
from pathlib import Path

import pytest

from tests.unit.satellite.fakes import RecordingSpeaker
from tests.unit.satellite.test_player import until
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, read_wav, write_wav
from wyoming_rosie.audio.loudness import SPEECH_LUFS, measure_loudness
from wyoming_rosie.audio.tones import synthesize_tones
from wyoming_rosie_satellite.audio import cues
from wyoming_rosie_satellite.audio.cues import WITH_PHRASE
from wyoming_rosie_satellite.audio.fallback_phrases import FOLDER, available_languages, create_loaders, select_language
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import Cue, ListenRequested
from wyoming_rosie_satellite.satellite import Satellite, SatelliteComponents

RECORDINGS = sorted(FOLDER.glob("*/*.wav"))
AT_16_KHZ = SatelliteConfig(snd_command_rate=16_000)


def test_every_phrase_of_the_table_is_there_in_every_language_and_no_other() -> None:
    table = tomllib.loads((FOLDER / "phrases.toml").read_text("utf-8"))
    assert sorted(table) == available_languages() == ["de", "en", "es", "fr", "it", "nl"]
    assert {key for words in table.values() for key in words} == {*WITH_PHRASE, "voice"}
    written = {f"{language}/{cue}.wav" for language, words in table.items() for cue in words if cue != "voice"}
    assert {str(path.relative_to(FOLDER)) for path in RECORDINGS} == written


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_phrase_is_short_small_and_as_loud_as_the_others(path: Path) -> None:
    audio, pcm = read_wav(path)
    samples = array("h", pcm)
    assert audio == SPEECH
    assert 1.0 < audio.seconds(len(pcm)) < 2.5
    assert path.stat().st_size < 64_000
    assert measure_loudness(pcm, audio.rate) == pytest.approx(SPEECH_LUFS, abs=1.0)
    assert max(map(abs, samples)) < 32_200  # not clipped
    assert max(map(abs, samples[:800])) > 100  # it begins with a word


@pytest.mark.parametrize(
    ("tag", "language"), [("de", "de"), ("de-AT", "de"), ("fr_CA", "fr"), ("EN-gb", "en"), ("tlh", "en"), ("", "en")]
)
def test_a_language_without_phrases_hears_english_ones(tag: str, language: str) -> None:
    assert select_language(tag) == language


def test_a_phrase_is_read_in_the_speakers_format() -> None:
    cd = SatelliteConfig(snd_command_rate=44_100, snd_command_channels=2)
    at_16_khz, as_cd = (create_loaders(settings)[Cue.LOST]() for settings in (AT_16_KHZ, cd))
    assert SPEECH.seconds(len(at_16_khz)) == pytest.approx(AudioFormat(44_100, 2, 2).seconds(len(as_cd)), abs=0.01)


def test_who_wants_none_has_chimes_only() -> None:
    chimes = {cue: read() for cue, read in create_loaders(SatelliteConfig(failure_phrases=False)).items()}
    assert chimes == {cue: cues.load_cue(cue, None, SatelliteConfig().snd_format) for cue in WITH_PHRASE}


def test_a_sound_of_the_users_own_stands_alone(tmp_path: Path) -> None:
    write_wav(tmp_path / "own.wav", SPEECH, b"\1\2" * 50)
    settings = SatelliteConfig(
        snd_command_rate=16_000, error_wav=tmp_path / "own.wav", unreachable_wav=Path("chime"), deaf_wav=cues.CHIME
    )
    assert create_loaders(settings).keys() == {Cue.LOST, Cue.KEPT}
    sounds = cues.load_cues(settings)
    assert sounds[Cue.ERROR] == b"\1\2" * 50
    assert sounds[Cue.UNREACHABLE] == cues.load_cue(Cue.UNREACHABLE, None, SPEECH)


def test_only_chimes_that_may_be_heard_often_are_made_at_the_start() -> None:
    assert not WITH_PHRASE & cues.load_cues(AT_16_KHZ).keys()


def test_a_phrase_that_cannot_be_read_is_a_chime(tmp_path: Path) -> None:
    assert create_loaders(AT_16_KHZ, tmp_path)[Cue.LOST]() == cues.load_cue(Cue.LOST, None, SPEECH)


async def test_without_a_server_the_satellite_speaks_alone() -> None:
    speaker = RecordingSpeaker()
    phrases = await asyncio.to_thread(create_loaders, AT_16_KHZ)
    satellite = Satellite(speaker, SatelliteComponents(phrases=phrases))
    playing = asyncio.create_task(satellite.player.run())
    satellite.handle(ListenRequested())
    _, words = await asyncio.to_thread(read_wav, FOLDER / "en" / "unreachable.wav")
    spoken = cues.load_cue(Cue.UNREACHABLE, None, SPEECH) + words
    await until(lambda: len(speaker.played) == len(spoken))
    assert speaker.played == spoken
    playing.cancel()
    await asyncio.wait([playing])


@pytest.mark.parametrize("cue", cues.CHIMES)
def test_a_chime_is_at_its_loudest_about_as_loud_as_voices(cue: Cue) -> None:
    pcm, size = synthesize_tones(cues.CHIMES[cue], SPEECH), SPEECH.bytes_in(0.4)
    parts = [pcm[at : at + size] for at in range(0, len(pcm) - size, SPEECH.bytes_in(0.1))]
    assert max(measure_loudness(part, SPEECH.rate) for part in parts) == pytest.approx(SPEECH_LUFS, abs=2.0)
