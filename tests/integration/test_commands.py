"""The `wyoming-rosie` command as people type it."""

import asyncio
import json
import os
import signal
import subprocess
import time
from array import array
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.conftest import StartDaemon
from tests.daemons import command
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.commands.demo import COMMAND, RECORDING, STEPS, page_flags
from wyoming_rosie.errors import ConfigError

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
JSON = {"Content-Type": "application/json"}


def run_command(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([ROSIE, *arguments], input=given, capture_output=True, timeout=120, check=False)


def run_json(*arguments: str, given: bytes | None = None) -> str:
    """Return the last line of what a command that works prints."""
    ran = run_command(*arguments, given=given)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode().splitlines()[-1]


def run_failing(*arguments: str, status: int = 1) -> str:
    """Return the one line of a command that does not work."""
    ran = run_command(*arguments)
    assert ran.returncode == status
    assert ran.stdout == b""
    lines = ran.stderr.decode().splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    hiss = array("h", [(7919 * index) % 601 - 300 for index in range(2 * SPEECH.rate)])
    write_wav(tmp_path / "noise.wav", SPEECH, hiss.tobytes())
    return tmp_path / "noise.wav"


def test_detect_prints_the_word() -> None:
    assert run_json("detect", str(RECORDING)) == "okay_nabu"
    assert json.loads(run_json("detect", "--json", "-", given=RECORDING.read_bytes()))["result"] == "okay_nabu"


@pytest.mark.parametrize("name", ["ok_nabu", "ok_nabu_v0.1", "Okay Nabu", "ok_nabu_v0.1.tflite"])
def test_detect_knows_a_word_by_its_other_names(name: str) -> None:
    assert run_json("detect", str(RECORDING), "--wake-word-name", name) == name


def test_detect_fails_where_there_is_no_such_word(noise: Path) -> None:
    assert "no wake word was detected" in run_failing("detect", str(noise), status=3)
    assert "no wake word was detected" in run_failing("detect", str(RECORDING), "--wake-word-name", "alexa", status=3)
    assert "alexa" in run_failing("detect", str(RECORDING), "--wake-word-name", "sesame")


def test_ask_prints_the_answer_and_fails_when_it_does_not_understand(tmp_path: Path) -> None:
    assert "Kitchen Light" in run_json("ask", "--own", "turn on the kitchen light")
    assert json.loads(run_json("ask", "--own", "--json", "-", given=b"turn off the tv\n"))["intent"] == "HassTurnOff"
    lost = run_command("ask", "--own", "colourless green ideas sleep furiously")
    assert lost.returncode == 3
    assert "understand" in lost.stderr.decode().splitlines()[-1]


def test_ask_uses_the_home_that_is_given(tmp_path: Path) -> None:
    home = tmp_path / "home.toml"
    home.write_text('[[entities]]\nid = "light.lighthouse"\nname = "Lighthouse"\ndomain = "light"\n')
    assert "Lighthouse" in run_json("ask", "turn on the lighthouse", "--home", str(home))
    home.write_text('[[entities]]\nid = "light.lighthouse"\n')
    assert str(home) in run_failing("ask", "turn on the lighthouse", "--home", str(home))


def test_say_understands_ssml(tmp_path: Path) -> None:
    spoken = [tmp_path / "plain.wav", tmp_path / "marked.wav"]
    run_json("say", "One two", "--output", str(spoken[0]))
    run_json("say", "--ssml", 'One <break time="2s"/> two', "--output", str(spoken[1]))
    plain, marked = (audio.seconds(len(pcm)) for audio, pcm in map(read_wav, spoken))
    assert marked > plain + 1.9


def test_say_writes_what_it_says_as_a_wav_file(tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.wav"
    assert run_json("say", "The kitchen light is on.", "--output", str(spoken)) == str(spoken)
    audio, pcm = read_wav(spoken)
    assert 1 < audio.seconds(len(pcm)) < 4
    assert any(pcm)


def test_transcribe_prints_what_is_said() -> None:
    assert run_json("transcribe", str(COMMAND)) == "turn on the kitchen lights"


def test_transcribe_understands_what_follows_a_wake_word() -> None:
    told = json.loads(run_json("transcribe", "--json", "-", given=RECORDING.read_bytes()))
    assert (told["result"], told["after"]) == ("turn on the kitchen lights", "okay_nabu")


def test_voices_and_languages_are_listed() -> None:
    german = [json.loads(line) for line in run_command("voices", "--language", "de", "--json").stdout.splitlines()]
    assert "de" in [one["voice"] for one in german]
    assert all(any(tag.startswith("de") for tag in one["languages"]) for one in german)
    assert {"language": "fr"} in [
        json.loads(line) for line in run_command("languages", "intent", "--json").stdout.splitlines()
    ]


def test_transcribe_fails_on_noise(noise: Path) -> None:
    assert "nothing was understood" in run_failing("transcribe", str(noise), status=3)


async def test_a_running_daemon_is_used_when_it_is_named(daemon: StartDaemon) -> None:
    tts = await daemon("tts")
    process = await asyncio.create_subprocess_exec(
        ROSIE, "say", "hello", "--uri", tts.uri, "--output", os.devnull, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (process.returncode, out.decode().strip()) == (0, os.devnull)


def test_nobody_at_the_address_is_said_so() -> None:
    assert "tcp://127.0.0.1:9" in run_failing("ask", "what time is it", "--uri", "tcp://127.0.0.1:9")


def test_the_demo_shows_every_step_changes_the_light_and_writes_the_answer(tmp_path: Path) -> None:
    reply = tmp_path / "reply.wav"
    ran = run_command("demo", "--output", str(reply))
    shown = ran.stdout.decode()
    assert ran.returncode == 0, shown + ran.stderr.decode()
    positions = [shown.index(step) for step in STEPS]
    assert positions == sorted(positions)
    assert "turn on the kitchen lights" in shown
    assert "light.kitchen: off -> on" in shown
    assert "demo --stay" in shown
    audio, pcm = read_wav(reply)
    assert audio.seconds(len(pcm)) > 0.5
    assert any(pcm)


def test_the_demo_fails_when_a_step_fails(noise: Path, tmp_path: Path) -> None:
    ran = run_command("demo", str(noise), "--output", str(tmp_path / "reply.wav"), "--seconds", "1")
    assert ran.returncode == 3
    assert "wake" in ran.stderr.decode()


def test_the_demo_stays_with_its_page_until_interrupted(tmp_path: Path) -> None:
    reply = str(tmp_path / "reply.wav")
    with subprocess.Popen([ROSIE, "demo", "--stay", "--output", reply], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            page = next(line.split()[-1] for line in process.stdout if line.startswith("The page is at"))
            children = psutil.Process(process.pid).children(recursive=True)
            with urlopen(page, timeout=60) as opened:
                assert "<title>Rosie</title>" in opened.read().decode()
            sentence = Request(f"{page}/api/v1/prompt", b'{"text": "turn off the kitchen light"}', JSON)
            with urlopen(sentence, timeout=60) as answered:
                assert json.load(answered)["text"] == "Turned off the Kitchen Light."
            assert next(line for line in process.stdout if "intent" in line)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert not psutil.wait_procs(children, timeout=60)[1]
        finally:
            process.kill()


def test_the_demo_without_the_extra_of_the_page_says_how_to_get_it() -> None:
    with pytest.raises(ConfigError, match=r"--stay: .*run: .*\[web\]"):
        page_flags({"web": ("fastapi",)})


def test_up_runs_everything_until_interrupted(tmp_path: Path) -> None:
    settings = tmp_path / "rosie.toml"
    roles = ("wake", "vad", "asr", "intent", "tts")
    ports = "".join(f'[{role}]\nuri = "unix://{tmp_path}/{role}.sock"\n' for role in roles)
    settings.write_text(f'{ports}[hub]\nzeroconf = false\ndata_dir = "{tmp_path}"\n')
    process = subprocess.Popen([ROSIE, "up", "--config", str(settings)], stdout=subprocess.PIPE, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not all((tmp_path / f"{role}.sock").exists() for role in roles):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        answer = run_json("ask", "turn on the kitchen light", "--uri", f"unix://{tmp_path}/intent.sock")
        assert "Kitchen Light" in answer
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not psutil.wait_procs(children, timeout=60)[1]
    finally:
        process.kill()
        assert process.stdout is not None
        process.stdout.close()
