"""The installed wyoming-rosie-satellite as a process, conducted over loopback as Home Assistant does it."""

import asyncio
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import Daemon, command, describe
from tests.integration.satellite_room import (
    LONGEST_WAIT_SECONDS,
    SAID,
    Room,
    ScriptedConductor,
    accepted,
    first_run,
    furnished,
    furnished_for_two,
    logged,
)
from tests.unit.satellite.dialogues import (
    ANSWER,
    DIALOGUES,
    DIALOGUES_OF_TWO,
    JARVIS,
    JOINS,
    RATE,
    SOUND_START,
    TIMER,
    TRANSCRIBED,
    ConductorSends,
    Dialogue,
    UserSays,
    sound,
)
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, read_wav, write_wav
from wyoming_rosie.wakeword.detection import select_words
from wyoming_rosie.wakeword.micro import MicroStream, find_package_models

SPEAKER = AudioFormat(RATE, 2, 1)
WAV_HEADER_BYTES = 44
KNOWN = find_package_models()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="session")
def words(shared_data: Path) -> dict[str, bytes]:
    """Recorded wake words."""
    return {path.stem: read_wav(path)[1] for path in (shared_data / "wake").glob("*.wav")}


async def heard_on(room: Room) -> tuple[AudioFormat, bytes]:
    """Return what the satellite's speaker has played."""
    return await asyncio.to_thread(read_wav, room.reply)


async def rings(room: Room) -> None:
    """Wait until the satellite's speaker has played a sound."""
    async with asyncio.timeout(LONGEST_WAIT_SECONDS):
        while not any((await asyncio.to_thread(room.reply.read_bytes))[WAV_HEADER_BYTES:]):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=list(DIALOGUES))
async def test_dialogue(daemon: StartDaemon, folder: Path, words: dict[str, bytes], dialogue: Dialogue) -> None:
    async with furnished(daemon, folder) as room:
        await room.perform(dialogue, words)


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "each word has its conductor",
        "a conductor leaves in the middle of the other's run",
        "an announcement in the middle of the other's run is refused",
    ],
)
async def test_dialogue_with_two_conductors(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes], name: str
) -> None:
    async with furnished_for_two(daemon, folder) as room:
        await room.perform(DIALOGUES_OF_TWO[name], words)


async def test_each_conductor_is_shown_its_own_words_and_a_name_of_its_own(daemon: StartDaemon, folder: Path) -> None:
    async with furnished_for_two(daemon, folder, "--name", "Kitchen", "--area", "Kitchen") as room:
        infos = [(await conductor.joins()).info for conductor in room.conductors.values()]
    assert [(one.satellite.name, one.satellite.area) for one in infos if one.satellite] == [
        ("Kitchen", "Kitchen"),
        ("Kitchen hey_jarvis", "Kitchen"),
    ]
    assert [one.satellite.active_wake_words for one in infos if one.satellite] == [["okay_nabu"], [JARVIS]]
    assert JARVIS not in [model.name for model in infos[0].wake[0].models]
    assert [model.name for model in infos[1].wake[0].models] == [JARVIS]


@pytest.mark.parametrize("where", ["in process", "at a daemon"])
async def test_audio_begins_with_the_detections_own_sample(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes], where: str
) -> None:
    said = words[SAID] + words["woww_computer"]
    recording = folder / "said.wav"
    await asyncio.to_thread(write_wav, recording, SPEECH, said)
    wake = ("--wake-uri", (await daemon("wake")).uri) if where == "at a daemon" else ()
    satellite = await daemon("satellite", "--mic", f"wav:{recording}", "--snd", f"wav:{folder}/reply.wav", *wake)
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.joins()
        detection, pcm, first_ms = await first_run(conductor, 1.0)
    begun = said.index(pcm[:3200])  # bytes of the recording before the first chunk
    assert said[begun : begun + len(pcm)] == pcm
    assert first_ms == detection.data["timestamp"]
    assert begun // 2 in await asyncio.to_thread(detections_in, said)


def detections_in(said: bytes) -> set[int]:
    """Return the samples at which the word can be certain.

    Models look at every third frame of 10 ms, and remember up to two seconds before it; how much the daemon has heard
    before the recording depends on when the gate opened.
    """
    word = select_words(KNOWN, ["okay_nabu"])
    leads = range(0, 32_000, 160)
    return {heard.sample - lead for lead in leads for heard in MicroStream(word).process(bytes(2 * lead) + said)}


@pytest.mark.long
@pytest.mark.parametrize("clip", ["woww_alexa", "woww_hey_jarvis", "woww_hey_mycroft", "woww_okay_nabu"])
async def test_each_bundled_word_wakes_it_through_a_daemon(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes], clip: str
) -> None:
    wake = await daemon("wake")
    async with furnished(daemon, folder, "--wake-uri", wake.uri) as room:
        await room.conductor.joins()
        room.voice.says(words[clip])
        detection = await room.conductor.hears("detection")
        assert f"woww_{detection.data['name']}" == clip


@pytest.mark.parametrize("has_wake_daemon", [False, True], ids=["own detector", "wake daemon"])
async def test_levels_and_scores_are_told_to_a_conductor_that_watches(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes], has_wake_daemon: bool
) -> None:
    flags = ("--wake-uri", (await daemon("wake")).uri) if has_wake_daemon else ()
    async with furnished(daemon, folder, *flags) as room:
        await room.conductor.joins()
        await room.conductor.says(Event("user-event", {"name": "watch", "seconds": 60}))
        room.voice.says(words[SAID])
        scores, levels = [0.0], []
        while max(scores) < 0.5:
            event = await room.conductor.hears("user-event")
            assert event.data["name"] == "levels"
            scores.append(event.data["wake_scores"].get("okay_nabu", 0.0))
            levels.append(event.data["level_dbfs"])
    assert max(levels) > -60
    assert 0 < event.data["wake_thresholds"]["okay_nabu"] < 1


async def test_other_words_and_noise_do_not_wake_it(daemon: StartDaemon, folder: Path, words: dict[str, bytes]) -> None:
    every = [part for word in KNOWN for part in ("--wake-word-name", word)]
    async with furnished(daemon, folder, *every) as room:
        await room.conductor.joins()
        for clip in ("woww_computer", "oww_hey_jane", "wmww_okay_computer"):
            room.voice.says(words[clip])
        with pytest.raises(TimeoutError):
            await room.conductor.next(8.5)


async def test_a_wake_daemon_that_starts_later_is_used(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    first = await daemon("wake", "--uri", f"tcp://127.0.0.1:{free_port()}")
    await first.stop()
    async with furnished(daemon, folder, "--wake-uri", first.uri) as room:
        await room.conductor.joins()
        await daemon("wake", "--uri", first.uri)
        await logged(room.satellite, "wake daemon connected")
        room.voice.says(words["woww_alexa"])
        assert (await room.conductor.hears("detection")).data["name"] == "alexa"
    assert len(room.satellite.lines("wake daemon is away")) == 1


async def test_info_is_what_home_assistant_wants(daemon: StartDaemon, folder: Path) -> None:
    async with furnished(daemon, folder, "--name", "Kitchen speaker", "--area", "Kitchen") as room:
        info = (await room.conductor.joins()).info
    satellite = info.satellite
    assert satellite is not None
    assert satellite.installed
    assert satellite.description
    assert satellite.attribution.url
    assert (satellite.name, satellite.area) == ("Kitchen speaker", "Kitchen")
    assert (satellite.active_wake_words, satellite.max_active_wake_words) == (["okay_nabu"], 4)
    assert (satellite.has_vad, satellite.supports_trigger) == (False, False)
    assert {model.name: model.phrase for model in info.wake[0].models}["okay_nabu"] == "okay nabu"
    assert info.mic[0].mic_format.rate == 16_000
    assert info.snd[0].snd_format.rate == RATE


async def test_words_of_a_remote_daemon_are_in_the_info(daemon: StartDaemon, folder: Path) -> None:
    wake = await daemon("wake")
    async with furnished(daemon, folder, "--wake-uri", wake.uri) as room:
        await logged(room.satellite, "wake daemon connected")
        info = await describe(room.satellite.uri)
    assert [model.name for model in info.wake[0].models] == list(KNOWN)
    assert info.satellite is not None
    assert info.satellite.active_wake_words == list(KNOWN)


async def test_anybody_may_ask_while_one_conducts(daemon: StartDaemon, folder: Path) -> None:
    async with furnished(daemon, folder) as room:
        await room.conductor.joins()
        await room.conductor.says(SOUND_START, sound(0.5))
        assert (await describe(room.satellite.uri)).satellite is not None
        async with ScriptedConductor.connected(room.satellite.uri) as other:
            await other.says(RunSatellite().event())
            error = Error.from_event(await other.hears("error"))
            assert error.code == "busy"


async def test_a_conductor_that_falls_silent_is_replaced(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    async with furnished(daemon, folder) as room:
        reader, writer = await asyncio.open_connection(*room.satellite.uri.removeprefix("tcp://").split(":"))
        writer.write(b'{"type": "run-satellite"}\n')
        assert b"ping" in await reader.readline()
        await accepted(room.conductor)
        await room.perform(DIALOGUES["a command, its answer, and the next"], words)
        writer.close()


async def test_a_satellite_whose_conductor_paused_it_stays_paused_however_long_that_says_nothing(
    daemon: StartDaemon, folder: Path
) -> None:
    devices = ("--mic-command", "sleep 60", "--snd", f"wav:{folder}/reply.wav")
    satellite = await daemon("satellite", *devices, "--idle-seconds", "2")
    reader, writer = await asyncio.open_connection(*satellite.uri.removeprefix("tcp://").split(":"))
    writer.write(b'{"type": "run-satellite"}\n{"type": "pause-satellite"}\n')
    await logged(satellite, "phase", phase="paused")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4):
            await reader.readuntil(b"idle")
    writer.close()
    await logged(satellite, "phase", phase="offline")


async def test_a_conductor_that_breaks_off_in_an_answer_is_followed_by_the_next(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    async with furnished(daemon, folder) as room:
        async with ScriptedConductor.connected(room.satellite.uri) as first:
            await first.joins()
            await first.says(SOUND_START, sound(0.2))
        await logged(room.satellite, "phase", phase="offline")
        await room.perform(DIALOGUES["a command, its answer, and the next"], words)


async def test_played_comes_when_the_sound_is_over_and_the_file_holds_exactly_the_sound(
    daemon: StartDaemon, folder: Path
) -> None:
    loop = asyncio.get_running_loop()
    async with furnished(daemon, folder) as room:
        await room.conductor.joins()
        begun = loop.time()
        await room.conductor.says(SOUND_START, sound(0.7), ANSWER[-1])
        await room.conductor.hears("played")
        assert loop.time() - begun > 0.65
    await room.satellite.stop()
    assert await heard_on(room) == (SPEAKER, sound(0.7).payload)


async def test_an_interrupted_answer_is_not_in_the_file(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    async with furnished(daemon, folder) as room:
        await room.perform(
            [JOINS, ConductorSends(SOUND_START, *[sound(5)] * 12), UserSays("okay_nabu"), ConductorSends(*TRANSCRIBED)],
            words,
        )
        await room.conductor.says(*ANSWER)
        await logged(room.satellite, "phase", phase="waiting", count=2)
    await room.satellite.stop()
    audio, pcm = await heard_on(room)
    assert 0.2 < audio.seconds(len(pcm)) < 50  # of a minute


async def test_other_formats_are_played_in_the_speakers(daemon: StartDaemon, folder: Path) -> None:
    start = {"rate": 48_000, "width": 4, "channels": 2}
    loud = Event("audio-chunk", start, (1 << 30).to_bytes(4, "little") * 2 * 24_000)
    async with furnished(daemon, folder) as room:
        await room.conductor.joins()
        await room.conductor.says(Event("audio-start", start), loud, Event("audio-stop"))
        await room.conductor.hears("played")
    await room.satellite.stop()
    audio, pcm = await heard_on(room)
    assert audio == SPEAKER
    assert audio.seconds(len(pcm)) == pytest.approx(0.5, abs=0.01)
    assert int.from_bytes(pcm[10_000:10_002], "little") == pytest.approx(1 << 14, rel=0.01)


async def test_stopping_lets_an_answer_end(daemon: StartDaemon, folder: Path) -> None:
    async with furnished(daemon, folder) as room:
        await room.conductor.joins()
        await room.conductor.says(SOUND_START, sound(1.0), ANSWER[-1])
        await logged(room.satellite, "phase", phase="speaking")
        stopping = asyncio.create_task(room.satellite.stop())
        await room.conductor.hears("played")
        assert await stopping == 0
    assert await heard_on(room) == (SPEAKER, sound(1.0).payload)


async def test_bad_sound_is_an_error_and_the_next_turn_works(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    bad = [
        Event("audio-start", {"rate": "loud"}),
        Event("audio-start", {"rate": 16_000, "width": 2, "channels": 99}),
        Event("audio-chunk", {"rate": RATE, "width": 2, "channels": 1}, b"odd"),
    ]
    async with furnished(daemon, folder) as room:
        await room.conductor.joins()
        for event in bad:
            await room.conductor.says(*([SOUND_START] if event.type == "audio-chunk" else []), event)
            assert (await room.conductor.hears("error")).data["code"] == "bad-audio"
        await room.conductor.hears("played")
        await room.perform(DIALOGUES["a command, its answer, and the next"], words)


async def test_a_finished_timer_rings(daemon: StartDaemon, folder: Path) -> None:
    async with furnished(daemon, folder) as room:
        await room.conductor.joins()
        await room.conductor.says(*TIMER)
        await rings(room)


async def test_standard_input_and_output_carry_nothing_but_samples(folder: Path, words: dict[str, bytes]) -> None:
    silence = bytes(SPEECH.bytes_in(1))
    (folder / "said.raw").write_bytes(words[SAID] + silence)
    devices = ("--mic", "stdin", "--snd", "stdout")
    with (folder / "said.raw").open("rb") as said, (folder / "played.raw").open("wb") as played:
        process = await asyncio.create_subprocess_exec(
            command("wyoming-rosie-satellite"), "--uri", "tcp://127.0.0.1:0", *devices,
            stdin=said, stdout=played, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        satellite = Daemon(process)
        await logged(satellite, "ready")
        async with ScriptedConductor.connected(satellite.uri) as conductor:
            await conductor.joins()
            await conductor.hears("detection")
            await conductor.says(*TRANSCRIBED, *ANSWER)
            await conductor.hears("played")
        assert await satellite.stop() == 0
    assert (folder / "played.raw").read_bytes() == (ANSWER[1].payload or b"") * 2


async def test_a_microphone_command_that_ends_is_started_again(daemon: StartDaemon, folder: Path) -> None:
    satellite = await daemon("satellite", "--mic-command", "true", "--snd", f"wav:{folder}/reply.wav")
    await satellite.wait_for_line("microphone failed")
    await asyncio.sleep(1)  # it is tried again meanwhile
    (line,) = satellite.lines("microphone failed")
    assert line["reason"] == "the command 'true' ended with status 0"
    assert (await describe(satellite.uri)).satellite is not None


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("--mic", "wav:/nowhere.wav"), 1, "cannot read /nowhere.wav"),
        (("--mic", "stdin", "--wake-word-name", "snowboy"), 1, "there are: alexa, hey_jarvis, hey_mycroft, okay_nabu"),
        (("--mic", "stdin", "--wake-uri", "nowhere"), 2, "'nowhere' is not an address"),
        (("--mic", "default"), 1, "apt install libportaudio2; or use --mic and --snd with wav:FILE"),
        (("--mic", "stdin", "--wake-word-port.alexa", "1", "--stop-word", "alexa"), 1, "'alexa' is a stop word"),
    ],
    ids=["no recording", "unknown word", "no address", "no PortAudio", "stop word's port"],
)
async def test_what_cannot_be_had_is_one_line(
    folder: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    without_portaudio = folder / "sounddevice.py"  # found before the installed module
    without_portaudio.write_text("raise OSError('PortAudio library not found')")
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-satellite"), "--uri", "tcp://127.0.0.1:0", "--snd", f"wav:{folder}/r.wav", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip
    _, errors = await asyncio.wait_for(process.communicate(), LONGEST_WAIT_SECONDS)
    assert process.returncode == status
    assert sentence in errors.decode()
    assert len(errors.splitlines()) == 1


async def test_a_command_ends_with_the_speech_whatever_the_conductor_hears(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes], shared_data: Path
) -> None:
    command = await asyncio.to_thread(read_wav, shared_data / "commands-en" / "turn_on_standing_light.wav")
    async with furnished(daemon, folder) as room:
        await room.perform([JOINS], words)
        room.voice.says(words[SAID] + bytes(SPEECH.bytes_in(0.2)) + command[1])
        _, heard, _ = await first_run(room.conductor, 0.5)
        while (event := await room.conductor.next()).type == "audio-chunk":
            heard += event.payload or b""
        assert event.type == "audio-stop"
        assert SPEECH.seconds(len(heard)) < SPEECH.seconds(len(command[1])) + 3
        await logged(room.satellite, "phase", phase="thinking")


async def test_nobody_speaking_ends_a_command_as_well(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    async with furnished(daemon, folder, "--end-of-speech.no-speech-ms", "800") as room:
        await room.perform([JOINS, UserSays("okay_nabu")], words)
        await room.conductor.hears("audio-stop")


async def test_a_stop_word_ends_an_answer_and_wakes_nobody(
    daemon: StartDaemon, folder: Path, words: dict[str, bytes]
) -> None:
    async with furnished(daemon, folder, "--wake-word-name", "hey_jarvis", "--stop-word", "okay_nabu") as room:
        await room.perform([JOINS, ConductorSends(SOUND_START, sound(9))], words)
        await logged(room.satellite, "phase", phase="speaking")
        room.voice.says(words[SAID])
        await room.conductor.hears("played")
        assert await room.conductor.hears_types(0) == []


async def test_a_timer_rings_until_the_stop_word(daemon: StartDaemon, folder: Path, words: dict[str, bytes]) -> None:
    ringing = ("--wake-word-name", "hey_jarvis", "--stop-word", "okay_nabu", "--timer-ring-pause-seconds", "0.2")
    async with furnished(daemon, folder, *ringing) as room:
        await room.perform([JOINS, ConductorSends(*TIMER)], words)
        await rings(room)
        room.voice.says(words[SAID])
        await logged(room.satellite, "stop word")
        size = -1
        async with asyncio.timeout(60):
            while size != (size := (await asyncio.to_thread(room.reply.stat)).st_size):
                await asyncio.sleep(1)  # five times as long as a ring's pause


def test_a_command_of_wyoming_satellite_becomes_settings(tmp_path: Path) -> None:
    old = ["wyoming-satellite", "--name", "Den", "--mic-command", "cat /dev/zero", "--snd-command", "cat", "--debug"]
    told = subprocess.run(
        [command("wyoming-rosie-satellite"), "--migrate", *old], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert tomllib.loads(told)["satellite"] == {
        "name": "Den", "mic_command": "cat /dev/zero", "snd_command": "cat", "debug": True,
    }  # fmt: skip


async def test_a_profile_sets_what_flags_do_not(daemon: StartDaemon, tmp_path: Path) -> None:
    profile = tmp_path / "den.toml"
    profile.write_text('[satellite]\narea = "Den"\nname = "Shelf"\n')
    sound = ("--mic-command", "cat /dev/zero", "--snd-command", "cat")  # far more than can be heard
    satellite = await daemon("satellite", "--profile", str(profile), "--name", "Desk", *sound)
    described = (await describe(satellite.uri)).satellite
    assert described is not None
    assert (described.name, described.area) == ("Desk", "Den")
