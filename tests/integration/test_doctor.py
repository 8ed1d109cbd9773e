"""`wyoming-rosie doctor` on this machine, whatever it has."""

import asyncio
import json
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto, Nats, Redis, free_port
from tests.conftest import StartDaemon
from tests.daemons import command
from wyoming_rosie.audio.formats import read_wav, write_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.runtime.child_processes import send_signal

pytestmark = pytest.mark.long

PULSE = ("-n", "--exit-idle-time=-1", "--use-pid-file=no", "-L", "module-native-protocol-unix auth-anonymous=1")
WORD_SECONDS = 1.1
"""Of the recording, which then goes on with the command."""
ALSA = "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"


async def report(*arguments: str, seconds: float = 0.5, env: dict[str, str] | None = None) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(command("wyoming-rosie"), "doctor", "--json", "--seconds", str(seconds), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return dict(json.loads(out))


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A sound server whose microphone hears what its speaker plays; yields the environment to use it."""
    if not all(map(shutil.which, ("pulseaudio", "paplay", "pactl"))):
        pytest.skip("PulseAudio is not installed: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    config = folder / "asound.conf"
    await asyncio.to_thread(config.write_text, ALSA)
    places = {"XDG_RUNTIME_DIR": folder, "HOME": folder, "ALSA_CONFIG_PATH": config}
    env = {**os.environ, **{name: str(path) for name, path in places.items()}}
    env |= {"PULSE_RUNTIME_PATH": f"{folder}/pulse", "PULSE_SERVER": f"unix:{folder}/pulse/native"}
    server = await asyncio.create_subprocess_exec(
        "pulseaudio", *PULSE, "-L", "module-null-sink sink_name=room", env=env
    )
    try:
        async with asyncio.timeout(60):
            while await _ended("pactl", "set-default-source", "room.monitor", env=env) != 0:
                await asyncio.sleep(0.1)
        yield env
    finally:
        send_signal(server, signal.SIGTERM)
        await server.wait()


async def _ended(*words: str, env: dict[str, str]) -> int:
    process = await asyncio.create_subprocess_exec(*words, env=env, stderr=asyncio.subprocess.DEVNULL)
    try:
        return await process.wait()
    finally:
        send_signal(process, signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def _somebody_says_the_word_again_and_again(folder: Path, env: dict[str, str]) -> AsyncIterator[None]:
    audio, pcm = await asyncio.to_thread(read_wav, RECORDING)
    word = folder / "word.wav"
    await asyncio.to_thread(write_wav, word, audio, pcm[: audio.bytes_in(WORD_SECONDS)])

    async def say() -> None:
        while True:
            await _ended("paplay", str(word), env=env)
            await asyncio.sleep(0.5)

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.wait([saying])


async def test_it_hears_the_wake_word_and_plays_it(tmp_path: Path) -> None:
    async with room(tmp_path) as env, _somebody_says_the_word_again_and_again(tmp_path, env):
        async with asyncio.timeout(120):
            while (found := (await report(seconds=4.5, env=env))["findings"]["sound"])["recorded"]["wake_word"] is None:
                pass  # a machine that is busy lets the sound server lose some of a word
    assert (found["microphone_trouble"], found["speaker_trouble"]) == ("", "")
    assert found["recorded"]["wake_word"] == "okay_nabu"
    assert found["recorded"]["true_rate"] == pytest.approx(found["recorded"]["rate"], rel=0.3)
    assert -50 < found["recorded"]["levels"]["rms"] < -3


def _is_used(port: int | None) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port or 0)) == 0


async def test_it_works_with_or_without_sound_devices() -> None:
    found = await report()
    sound = found["findings"]["sound"]
    if not sound["devices"]["found"]:
        assert [one for one in found["advice"] if "sound" in one["fault"] or "microphone" in one["fault"]]
    assert all(one["next_step"] for one in found["advice"])
    assert socket.gethostname() not in json.dumps(found)


async def test_programs_are_told_from_strangers_on_our_ports(daemon: StartDaemon) -> None:
    tts, asr = BY_ROLE["tts"].port, BY_ROLE["asr"].port
    if any(_is_used(port) for port in (tts, asr)):
        pytest.skip("our usual ports are in use on this machine")
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", asr or 0))
        stranger.listen()
        await daemon("tts", "--uri", f"tcp://127.0.0.1:{tts}")
        found = await report("--no-sound")
    uses = {port["number"]: port["use"] for port in found["findings"]["ports"]}
    assert (uses[tts], uses[asr]) == ("wyoming", "other")
    assert f"tcp://127.0.0.1:{tts}" in [one["uri"] for one in found["findings"]["services"]]
    assert any(str(asr) in one["fault"] for one in found["advice"])


class NatsWithoutJetStream(Nats):
    def words(self) -> list[str]:
        return [word for word in super().words() if word != "-js"]


async def broker_faults(**urls: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the brokers that the doctor finds, and its faults and next steps about them."""
    settings = {f"WYOMING_ROSIE_BRIDGE_BROKER_{bus.upper()}": url for bus, url in urls.items()}
    found = await report("--no-sound", env={**os.environ, **settings})
    advice = [f"{one['fault']} / {one['next_step']}" for one in found["advice"] if "broker" in one["fault"]]
    return found["findings"]["brokers"], advice


async def test_brokers_that_keep_what_they_get_have_no_fault(tmp_path: Path) -> None:
    brokers = {
        "mqtt": Mosquitto(tmp_path / "mosquitto"), "redis": Redis(tmp_path / "redis"), "nats": Nats(tmp_path / "nats"),
    }  # fmt: skip
    try:
        for broker in brokers.values():
            await broker.started()
        found, advice = await broker_faults(**{bus: broker.url for bus, broker in brokers.items()})
    finally:
        for broker in brokers.values():
            await broker.killed()
    assert advice == []
    assert [(one["bus"], one["trouble"], one["keeps"]) for one in found] == [
        ("mqtt", "", None), ("redis", "", True), ("nats", "", True),
    ]  # fmt: skip
    assert all(one["version"] for one in found[1:])


async def test_brokers_that_lose_what_they_get_are_named(tmp_path: Path) -> None:
    redis = Redis(
        tmp_path / "redis", ["--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
    )
    nats, nothing = NatsWithoutJetStream(tmp_path / "nats"), free_port()
    try:
        for broker in (redis, nats):
            await broker.started()
        _, advice = await broker_faults(mqtt=f"mqtt://127.0.0.1:{nothing}", redis=redis.url, nats=nats.url)
    finally:
        for broker in (redis, nats):
            await broker.killed()
    away, forgets, evicts, plain = advice
    assert "Connection refused / start it: sudo systemctl start mosquitto" in away
    assert "memory only" in forgets
    assert "allkeys-lru" in evicts
    assert "no JetStream" in plain


async def test_brokers_that_refuse_the_bridge_say_so(tmp_path: Path) -> None:
    redis = Redis(tmp_path / "redis", ["--requirepass", "correct"])
    nats = Nats(tmp_path / "nats", ["--user", "rosie", "--pass", "correct"])
    nobody = ["allow_anonymous false", f"password_file {tmp_path}/mosquitto/nobody"]
    mosquitto = Mosquitto(tmp_path / "mosquitto", nobody)
    await asyncio.to_thread((tmp_path / "mosquitto" / "nobody").touch)
    try:
        for broker in (redis, nats, mosquitto):
            await broker.started()
        _, advice = await broker_faults(mqtt=mosquitto.url, redis=redis.url, nats="nats://rosie:x@127.0.0.1:1")
        _, refused = await broker_faults(mqtt=mosquitto.url, redis=redis.url, nats=nats.url)
    finally:
        for broker in (redis, nats, mosquitto):
            await broker.killed()
    assert any("NATS_TOKEN" in one and "password in a URL" in one for one in advice)
    assert len(refused) == 3
    for one, secret in zip(refused, ("MQTT_PASSWORD", "REDIS_PASSWORD", "NATS_TOKEN"), strict=True):
        assert "cannot be used" in one
        assert secret in one
