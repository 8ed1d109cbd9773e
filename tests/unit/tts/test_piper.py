import asyncio
import json
from array import array
from pathlib import Path
from typing import Any

import pytest
from wyoming.info import TtsVoice

from tests import piper_voice
from tests.piper_voice import TINY, Dimensions
from wyoming_rosie.errors import BadEventError, ConfigError, EngineError, RosieError
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.piper import engine
from wyoming_rosie_tts.engines.piper.engine import PiperEngine, Settings
from wyoming_rosie_tts.engines.piper.voice_cache import MAX_LOADED
from wyoming_rosie_tts.text.segments import Prosody, TextSegment

pytest.importorskip("piper", reason="the piper extra is not installed")
NAME = "en_US-test-low"
DUO = Dimensions(8, 16, 1, 2, 1, 8, speakers=("anna", "bruno"), rate=16_000)
STEADY: dict[str, Any] = {"noise_scale": 0.0, "noise_w_scale": 0.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "piper").mkdir()
    piper_voice.build(tmp_path / "piper", NAME)
    return tmp_path


def loaded(folder: Path, **settings: Any) -> PiperEngine:
    return engine.load(Settings(**{"voice": NAME, **STEADY, **settings}), folder)


def spoken(
    engine: PiperEngine, text: str, voice_request: VoiceRequest | None = None, *, pause: bool = False, **words: Any
) -> bytes:
    return b"".join(
        engine.select_voice(voice_request or VoiceRequest()).synthesize(TextSegment(text, **words), pause=pause)
    )


def loudest(pcm: bytes) -> int:
    return max(map(abs, array("h", pcm)))


def test_the_audio_of_a_sentence_is_as_long_as_its_phonemes(folder: Path) -> None:
    engine = loaded(folder)
    short, long = spoken(engine, "Hello."), spoken(engine, "Hello, the kitchen light is on now.")
    assert engine.select_voice(VoiceRequest()).audio_format.seconds(len(short)) > 0.4
    assert len(long) > 3 * len(short)
    assert 0 < loudest(long) <= 32_767


def test_audio_comes_before_the_sentence_is_finished(folder: Path) -> None:
    pieces = [
        piece
        for piece in loaded(folder)
        .select_voice(VoiceRequest())
        .synthesize(TextSegment("One long sentence " * 10), pause=False)
        if piece
    ]
    assert len(pieces) > 5
    assert len(pieces[0]) < len(pieces[3]) < 44_100


def test_prosody_changes_the_audio(folder: Path) -> None:
    engine = loaded(folder)
    normal = spoken(engine, "The light is on.")
    assert len(spoken(engine, "The light is on.", prosody=Prosody(rate=2))) == pytest.approx(len(normal) / 2, rel=0.02)
    assert len(spoken(engine, "Ignored.", phonemes="hələʊ")) == len(spoken(engine, "Too.", phonemes="hələʊ"))


def test_sentences_are_separated_and_clauses_are_not(folder: Path) -> None:
    engine = loaded(folder, sentence_silence=0.5)
    half_second = engine.select_voice(VoiceRequest()).audio_format.bytes_in(0.5)
    assert len(spoken(engine, "One.", pause=True)) - len(spoken(engine, "One.")) == half_second
    assert len(spoken(engine, "One,", pause=True)) == len(spoken(engine, "One,"))


@pytest.mark.parametrize("text", ["", " ", "...", "\u200b", "—"], ids=ascii)
def test_a_text_without_words_has_no_audio(folder: Path, text: str) -> None:
    assert spoken(loaded(folder), text) == b""


@pytest.mark.parametrize("text", ["привет", "你好", "こんにちは", "สวัสดี"], ids=ascii)
def test_a_text_in_another_script_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(BadEventError, match="speaks en-US") as refusal:
        spoken(loaded(folder), text)
    assert refusal.value.code == "unspeakable"


@pytest.mark.parametrize("text", ["[[x]] hello", "a\x01b", "\ud800 hello", "hello 你好", "x" * 200, "😀"], ids=ascii)
def test_odd_text_crashes_nothing(folder: Path, text: str) -> None:
    engine = loaded(folder)
    spoken(engine, text.encode("utf-8", "replace").decode())
    assert spoken(engine, "Hello.")


def test_voices_are_described_with_their_languages_and_speakers(folder: Path) -> None:
    piper_voice.build(folder / "piper", "de_DE-duo-low", DUO)
    program = loaded(folder).describe()
    described = {voice.name: voice for voice in program.voices}
    assert program.installed
    assert "pitch cannot" in str(program.description)
    assert described[NAME].languages == ["en-US", "en"]
    assert [speaker.name for speaker in described["de_DE-duo-low"].speakers or ()] == ["anna", "bruno"]


def test_each_speaker_has_its_own_audio_and_identity(folder: Path) -> None:
    piper_voice.build(folder / "piper", "de_DE-duo-low", DUO)
    engine = loaded(folder)
    anna, bruno = (engine.select_voice(VoiceRequest(language="de-DE", speaker=name)) for name in ("anna", "bruno"))
    assert anna.audio_format.rate == 16_000
    assert anna.identity != bruno.identity
    assert b"".join(anna.synthesize(TextSegment("Hallo."), pause=False)) != b"".join(
        bruno.synthesize(TextSegment("Hallo."), pause=False)
    )


def test_the_operator_chooses_a_speaker_by_name_or_number(folder: Path) -> None:
    piper_voice.build(folder / "piper", "de_DE-duo-low", DUO)
    for wanted in ("bruno", "1"):
        assert loaded(folder, voice="de_DE-duo-low", speaker=wanted).select_voice(VoiceRequest()).speaker == 1
    with pytest.raises(ConfigError, match="no speaker 'carla'; there are: anna, bruno"):
        loaded(folder, voice="de_DE-duo-low", speaker="carla")


def test_a_changed_file_is_another_voice(folder: Path) -> None:
    before = loaded(folder).select_voice(VoiceRequest()).identity
    piper_voice.build(folder / "piper", NAME, DUO)
    assert loaded(folder).select_voice(VoiceRequest()).identity != before


def test_a_voice_by_file_is_the_default(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    network = piper_voice.build(elsewhere, "my-voice-x")
    assert loaded(folder, voice=str(network)).select_voice(VoiceRequest()).file.name == "my-voice-x"


def test_a_missing_voice_is_described_and_refused_with_instructions(tmp_path: Path) -> None:
    engine = loaded(tmp_path)
    assert not engine.is_installed
    assert [(voice.name, voice.installed) for voice in engine.describe().voices] == [(NAME, False)]
    with pytest.raises(
        BadEventError, match=rf"put {NAME}\.onnx and {NAME}\.onnx\.json into {tmp_path}/piper"
    ) as refusal:
        engine.select_voice(VoiceRequest())
    assert refusal.value.code == "not-installed"


async def test_a_voice_that_was_added_by_hand_is_found(tmp_path: Path) -> None:
    engine = await asyncio.to_thread(loaded, tmp_path, download_from="")
    with pytest.raises(EngineError, match=f"put {NAME}.onnx"):
        await engine.install()
    assert not engine.describe().installed
    (tmp_path / "piper").mkdir()
    piper_voice.build(tmp_path / "piper", NAME)
    await engine.install()
    assert engine.describe().installed
    assert engine.is_installed


@pytest.mark.parametrize("ending", [".onnx", ".onnx.json"])
def test_a_voice_without_description_is_refused(folder: Path, ending: str) -> None:
    path = folder / "piper" / f"{NAME}.onnx"
    (folder / "piper" / (NAME + ending)).unlink()
    with pytest.raises(ConfigError, match="is missing; a voice is two files"):
        loaded(folder, voice=str(path))
    assert not loaded(folder).is_installed


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "null", '{"audio": {"sample_rate": "loud"}}', '{"audio": {"sample_rate": 22050}, "espeak": 1}'],
)
def test_an_invalid_description_is_named(folder: Path, content: str) -> None:
    path = folder / "piper" / f"{NAME}.onnx"
    path.with_name(f"{NAME}.onnx.json").write_text(content)
    with pytest.raises(ConfigError, match=r"onnx\.json does not describe a Piper voice"):
        loaded(folder, voice=str(path))


def test_a_network_that_does_not_load_is_reported_to_the_client(folder: Path) -> None:
    (folder / "piper" / f"{NAME}.onnx").write_bytes(b"nonsense")
    with pytest.raises(EngineError, match=r"is not an ONNX network"):
        spoken(loaded(folder), "Hello.")


def test_an_unknown_phoneme_type_is_reported_to_the_client(folder: Path) -> None:
    path = folder / "piper" / f"{NAME}.onnx.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"phoneme_type": "pinyin"}))
    with pytest.raises(EngineError, match="'pinyin'; there are: espeak, text"):
        spoken(loaded(folder), "Hello.")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"voice": "martian"}, "there is no martian.onnx in"),
        ({"voice": "/nowhere/x.onnx"}, "x.onnx is missing"),
        ({"length_scale": 0}, "length-scale must be from 0.1 to 10, not 0"),
        ({"volume": -1}, "volume must be"),
        ({"voices_dir": (Path("/nowhere"),)}, "/nowhere is not a folder"),
        ({"cuda": True}, "pip install onnxruntime-gpu"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(folder: Path, settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        loaded(folder, **settings)


def test_the_number_of_voices_in_memory_is_limited(folder: Path) -> None:
    names = [f"en_US-v{number}-low" for number in range(5)]
    for name in names:
        piper_voice.build(folder / "piper", name)
    engine = loaded(folder)
    for name in [*names, names[0]]:
        assert spoken(engine, "Hello.", VoiceRequest(name))
    assert len(engine._voice_cache._loaded) == MAX_LOADED


def test_all_voices_that_are_described_as_installed_can_be_selected(folder: Path) -> None:
    engine = loaded(folder)
    voices: list[TtsVoice] = engine.describe().voices
    assert [engine.select_voice(VoiceRequest(voice.name)).file.name for voice in voices] == [NAME]
    with pytest.raises(RosieError, match="no voice speaks 'xx'; the voices here speak en; install"):
        engine.select_voice(VoiceRequest(language="xx"))
    assert TINY.rate == engine.select_voice(VoiceRequest()).audio_format.rate
