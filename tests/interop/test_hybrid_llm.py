"""Our component in the real Home Assistant: a person speaks to our satellite, a scripted Ollama answers."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.satellite_room import Voice, logged
from tests.interop.home_assistant import HomeAssistant, port_of
from tests.interop.peers import free_port
from tests.interop.text_recogniser import TextDaemon, run_speech
from tests.ollama_script import Call, Rule
from tests.ollama_server import OllamaServer
from tests.waiting import wait_until

pytestmark = [pytest.mark.interop]
LIGHT = "light.kitchen_lights"
PLAYER = "media_player.recording_player"
MODEL = "scripted:latest"


class RestartableOllama:
    """A scripted Ollama that can stop and start again at its address, as after a crash."""

    def __init__(self) -> None:
        self._port = free_port()
        self._stack = AsyncExitStack()
        self.server = OllamaServer((Rule(say="Paris is the capital of France."),))

    async def start(self) -> None:
        self.server = await self._stack.enter_async_context(OllamaServer(self.server.rules).run(self._port))

    async def stop(self) -> None:
        await self._stack.aclose()


@dataclass
class HybridHome:
    """A Home Assistant whose pipeline has our component as its agent, and a satellite in the workshop."""

    core: HomeAssistant
    model: RestartableOllama
    satellite: Daemon
    recogniser: TextDaemon
    voice: Voice
    speech: bytes

    @property
    def ollama(self) -> OllamaServer:
        return self.model.server

    def say(self, text: str) -> None:
        """Say the wake word, then something that is transcribed as `text`."""
        self.recogniser.text = text
        self.voice.says(self.speech)

    async def answered(self, count: int = 1) -> None:
        """Wait until the satellite has spoken, and waits again."""
        await logged(self.satellite, "phase", count, phase="speaking")
        await logged(self.satellite, "phase", count + 1, phase="waiting")

    def count(self, phase: str) -> int:
        """Return how often the satellite has been in a phase."""
        return sum(line["phase"] == phase for line in self.satellite.lines("phase"))

    def requests(self) -> list[dict[str, Any]]:
        return [one.data for one in self.ollama.requests_to("/api/chat")]

    def sentences(self) -> list[dict[str, Any]]:
        """Return the requests for answers, without those of warm-ups."""
        return [one for one in self.requests() if one["options"]["num_predict"] != 1]

    async def sounds(self) -> list[float]:
        """Return the times at which the speaker of the workshop began to sound."""
        return [float(moment) for moment in (await self.core.attributes(PLAYER))["heard"]]


@pytest.fixture
async def model() -> AsyncIterator[RestartableOllama]:
    model = RestartableOllama()
    await model.start()
    yield model
    await model.stop()


@pytest.fixture
async def home(
    core: HomeAssistant, model: RestartableOllama, daemon: StartDaemon, tmp_path: Path, shared_data: Path
) -> AsyncIterator[HybridHome]:
    async with run_speech(tmp_path, shared_data) as scripted:
        sound = ("--mic-command", scripted.voice.command, "--snd", f"wav:{tmp_path / 'played.wav'}")
        satellite = await daemon("satellite", *sound, "--wake-refractory-seconds", "0.5")
        tts = await daemon("tts", "--engine", "espeak")
        await core.use_pipeline(
            stt=await core.add_wyoming(scripted.port, "stt"),
            tts=await core.add_wyoming(port_of(tts.uri), "tts"),
            conversation=await core.add_hybrid_llm(model.server.url, MODEL, cooldown=0),
        )
        entity = await core.add_wyoming(port_of(satellite.uri), "assist_satellite")
        await core.put_into_area("Workshop", devices=[await core.device_of(entity)], entities=[PLAYER])
        await logged(satellite, "phase", phase="waiting")
        yield HybridHome(core, model, satellite, scripted.recogniser, scripted.voice, scripted.speech)


async def test_the_prompt_of_the_wake_word_is_that_of_the_sentence_byte_for_byte(home: HybridHome) -> None:
    before = len(home.requests())
    home.say("what is the capital of france")
    await home.answered()
    warm_up, sentence = home.requests()[before:]
    assert warm_up["options"]["num_predict"] == 1
    assert json.dumps(warm_up["messages"]) == json.dumps(sentence["messages"][: len(warm_up["messages"])])
    assert json.dumps(warm_up["tools"]) == json.dumps(sentence["tools"])
    assert sentence["messages"][-1] == {"role": "user", "content": "what is the capital of france"}
    assert "Workshop" in warm_up["messages"][-1]["content"]
    assert home.ollama.characters_read[-1] < 200


async def test_a_native_command_needs_no_model(home: HybridHome) -> None:
    home.say("turn off the kitchen lights")
    await home.answered()
    assert await home.core.state(LIGHT) == "off"
    assert not home.sentences()


async def test_a_tool_call_switches_the_light(home: HybridHome) -> None:
    call = Call("HassTurnOff", {"name": "Kitchen Lights"})
    home.ollama.rules[:] = [Rule(after_tool=True, say="The kitchen is dark now."), Rule(calls=(call,))]
    home.say("it is far too bright in here")
    await home.answered()
    assert await home.core.state(LIGHT) == "off"
    assert len(home.sentences()) == 2


async def test_a_filler_is_heard_while_a_slow_model_thinks(home: HybridHome) -> None:
    home.ollama.rules[:] = [Rule(say="Paris is the capital of France.", wait_seconds=2.0)]
    home.say("what is the capital of france")
    await home.answered()
    [heard] = await home.sounds()
    [asked] = [one.at for one in home.ollama.requests_to("/api/chat") if one.data["options"]["num_predict"] != 1]
    assert asked < heard
    assert (await home.core.attributes(PLAYER))["announced"] == [True]


async def test_a_command_gets_no_filler(home: HybridHome) -> None:
    home.ollama.rules[:] = [Rule(say="Sorry, I know no lava lamp.", wait_seconds=2.0)]
    home.say("turn on the lava lamp")
    await home.answered()
    assert await home.sounds() == []


async def test_a_home_assistant_that_restarts_in_mid_turn_answers_the_next_sentence(home: HybridHome) -> None:
    home.ollama.rules[:] = [Rule(say="Never said.", wait_seconds=30.0)]
    home.say("what is the capital of france")
    await wait_until(lambda: bool(home.sentences()))
    await home.core.stop()
    await logged(home.satellite, "phase", phase="offline")
    home.ollama.rules[:] = [Rule(say="Paris.")]
    spoken, waited = home.count("speaking"), home.count("waiting")
    await home.core.start()
    await logged(home.satellite, "phase", waited + 1, phase="waiting")
    home.say("what is the capital of france")
    await logged(home.satellite, "phase", spoken + 1, phase="speaking")


async def test_a_model_that_restarts_in_mid_turn_is_missed_aloud_and_then_answers_again(home: HybridHome) -> None:
    home.ollama.rules[:] = [Rule(say="Never said.", wait_seconds=30.0)]
    home.say("what is the capital of france")
    await wait_until(lambda: bool(home.sentences()))
    await home.model.stop()
    await home.answered()
    home.ollama.rules[:] = [Rule(say="Paris.")]
    await home.model.start()
    home.say("what is the capital of france")
    await home.answered(2)
    assert len(home.sentences()) == 1
    assert home.requests()[0]["options"]["num_predict"] == 1


async def test_an_intent_daemon_thinks_and_is_told_of_the_wake_word(
    home: HybridHome, daemon: StartDaemon, tmp_path: Path
) -> None:
    for entry in await home.core.ask("config_entries/get", domain="hybrid_llm"):
        await home.core.delete(f"config/config_entries/entry/{entry['entry_id']}")
    (tmp_path / "home.toml").write_text('[[areas]]\nid = "workshop"\nname = "Workshop"\n')
    model = ("--local.model", MODEL, "--local.url", home.ollama.url)
    intent = await daemon("intent", "--actor", "none", "--home", str(tmp_path / "home.toml"), "--no-warm-up", *model)
    await home.core.use_agent(await home.core.add_hybrid_daemon(port_of(intent.uri)))
    before = len(home.requests())
    home.say("what is the capital of france")
    await logged(home.satellite, "phase", phase="speaking")
    warm_up, sentence = home.requests()[before:]
    assert warm_up["options"]["num_predict"] == 1
    assert sentence["messages"][: len(warm_up["messages"])] == warm_up["messages"]
    assert "Workshop" in warm_up["messages"][-1]["content"]
