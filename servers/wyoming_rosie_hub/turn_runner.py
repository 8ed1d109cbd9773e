"""Carries out what the rules of a turn ask for: streams to the daemons, events to the satellite."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, format_of
from wyoming_rosie.errors import RosieError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.voice_activity.endpointing import CONDUCTED, SPECULATION, EndpointingRules
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub import sentences
from wyoming_rosie_hub.announcements import Announcements
from wyoming_rosie_hub.core import Phase, TurnCore
from wyoming_rosie_hub.daemon_streams import Heard, StageStream
from wyoming_rosie_hub.directory import Directory
from wyoming_rosie_hub.fallback_audio import FILLER, Phrases, Sound
from wyoming_rosie_hub.intent_response import Doer, Understanding
from wyoming_rosie_hub.timeline import Timeline
from wyoming_rosie_hub.timers.service import Timekeeper
from wyoming_rosie_hub.voice_selection import Voices
from wyoming_rosie_hub.volume_service import Volumes

_LOG = structlog.get_logger()
AHEAD_SECONDS = 3.0
"""So much of an answer is sent ahead of its playing: enough for bad Wi-Fi, little enough to be interrupted."""
CHUNK_SECONDS = 0.1
DEFAULT_LANGUAGE = "en"
VOICES_TRIED = ("en", *sorted(sentences.languages()))
"""To say that there is no voice for another language."""
_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")
MORE_SECONDS = 0.5
"""After the end of some audio, before it is taken for the end of an answer that was given in parts."""


class Voice:
    """Hands an answer's audio to the satellite as one stream, not far ahead of its playing.

    A voice that is given its text in parts ends with `synthesize-stopped`; one that does not know parts never says that.
    """

    def __init__(
        self, take: Callable[[m.Input], None], tell: Callable[[Event], None], *, is_streamed: bool = False
    ) -> None:
        self._take = take
        self._tell = tell
        self._is_streamed = is_streamed
        self._ending: asyncio.TimerHandle | None = None
        self._began: float | None = None
        self._seconds = 0.0

    async def heard(self, event: Event) -> bool:
        """Take an audio event; True after the last one."""
        if self._ending is not None:
            self._ending.cancel()
        match event.type:
            case "audio-chunk":
                await self._chunk(event)
            case "audio-stop" if self._is_streamed:
                self._ending = asyncio.get_running_loop().call_later(MORE_SECONDS, self._end)
            case "audio-stop" | "synthesize-stopped":
                self._end()
                return True
        return False

    def _end(self) -> None:
        if self._began is None:
            self._begin(SPEECH)  # an answer without sound: the satellite still says when it is over
        self._tell(AudioStop().event())
        self._take(m.SoundEnded())

    async def _chunk(self, event: Event) -> None:
        audio = format_of(event)
        seconds = audio.seconds(len(event.payload or b""))
        self._take(m.SoundMade(seconds))
        if self._began is None:
            self._begin(audio)
        assert self._began is not None
        self._tell(Event("audio-chunk", event.data, event.payload))
        self._seconds += seconds
        ahead = self._began + self._seconds - asyncio.get_running_loop().time()
        if ahead > AHEAD_SECONDS:
            await asyncio.sleep(ahead - AHEAD_SECONDS)

    def _begin(self, audio: AudioFormat) -> None:
        self._began = asyncio.get_running_loop().time()
        self._tell(AudioStart(rate=audio.rate, width=audio.width, channels=audio.channels).event())


@dataclass(frozen=True)
class House:
    """What all turns share."""

    directory: Directory
    phrases: Phrases
    timekeeper: Timekeeper
    volumes: Volumes
    voices: Voices
    announcements: Announcements
    language: str | None = "en"  # None when the asr daemon is to find out
    fills: bool = True
    own_filler_seconds: float | None = None
    ends: EndpointingRules = field(default_factory=EndpointingRules)
    work: TurnMetrics = NULL_TURN_METRICS

    @property
    def doers(self) -> tuple[Doer, ...]:
        """Those who carry out what belongs to the conductor."""
        return (self.timekeeper, self.volumes)


class Conductor:
    """One satellite's turns. `tell` queues an event for the satellite and never waits."""

    def __init__(self, house: House, speaker: m.Speaker, tell: Callable[[Event], None]) -> None:
        self._house = house
        self._own_language: str | None = None  # of the satellite, as it says
        self._speaker = speaker  # with the language of the turn
        self._tell = tell
        self._core = TurnCore(fills=house.fills, own_filler_seconds=house.own_filler_seconds, ends=house.ends)
        self._streams: dict[str, StageStream] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tick: asyncio.TimerHandle | None = None
        self._timeline = Timeline("", 0.0)
        self._understanding = Understanding(self._doers, speaker)

    def speaks(self, language: str | None) -> None:
        """Note the language that a satellite says is spoken at it; None for the house's."""
        self._own_language = language

    @property
    def _asked_language(self) -> str | None:
        return self._own_language or self._house.language

    def _turn_is_in(self, language: str | None) -> None:
        """Let this turn's answers be in a language."""
        self._speaker = replace(self._speaker, language=language or self._asked_language or DEFAULT_LANGUAGE)
        self._house.phrases.want(self._speaker.language)

    @property
    def phase(self) -> Phase:
        return self._core.phase

    @property
    def _doers(self) -> tuple[Doer, ...]:
        return self._house.doers

    def take(self, given: m.Input) -> None:
        """Let the rules decide about an input and carry out what they say."""
        now = asyncio.get_running_loop().time()
        for effect in self._core.handle(given, now):
            self._carry_out(effect)
        self._schedule_tick()

    async def close(self) -> None:
        """End whatever is under way."""
        if self._tick is not None:
            self._tick.cancel()
        tasks = list(self._tasks.values())
        self._close_stages()
        if tasks:
            await asyncio.wait(tasks)

    def _carry_out(self, effect: m.Effect) -> None:
        match effect:
            case m.ListenForWakeWord():
                self._open("wake", [Detect().event(), _speech_start()], self._from_wake)
            case m.SendToWake(pcm):
                self._send("wake", _speech_chunk(pcm))
            case m.BeginListening():
                self._begin_listening(effect)
            case m.SendToEars(pcm):
                self._send("vad", _speech_chunk(pcm))
                self._send("asr", _speech_chunk(pcm))
            case m.Guess():
                self._send("asr", VoiceStopped().event())
            case m.DropGuess():
                self._send("asr", VoiceStarted().event())
            case m.FinishListening(ended_ms):
                self._close("vad")
                self._send("asr", AudioStop().event())
                self._tell(VoiceStopped(timestamp=ended_ms).event())
            case m.Understand(text, conversation_id):
                self._understand(text, conversation_id)
            case m.Say():
                self._say(effect)
            case m.BeginSaying():
                self._begin_saying()
            case m.SayPart(text):
                self._send("tts", SynthesizeChunk(text=text).event())
            case m.EndSaying(text, listen_again):
                self._end_saying(text, listen_again=listen_again)
            case m.SayFailure(failure):
                self._say_failure(failure)
            case m.SayFiller(text):
                self._say_filler(text)
            case m.CutFiller():
                self._cut_filler()
            case m.Dismiss(code):
                self._tell(Error(text="the turn ended", code=code).event())
            case m.CloseStages():
                self._close_stages()
            case m.Mark():
                self._mark(effect)

    def _begin_listening(self, begin: m.BeginListening) -> None:
        context = self._context(begin.conversation_id)
        language = self._asked_language
        self._turn_is_in(None)
        self._close("wake")
        heard_word = Detection(name=begin.wake_word, context=context).event()
        self._open("vad", [UserEvent(name="turn", context=context).event(), _speech_start()], self._from_vad)
        self._open(
            "asr",
            [Transcribe(language=language, context={**context, CONDUCTED: True}).event(), _speech_start()],
            self._from_asr,
        )
        self._open("intent", [heard_word], self._from_intent)
        self._tell(Transcribe(language=language).event())

    def _understand(self, text: str, conversation_id: str) -> None:
        self._tell(Transcript(text=text, context=self._context(conversation_id)).event())
        self._understanding = Understanding(self._doers, self._speaker)
        if self._house.timekeeper.is_asking(self._speaker.satellite_id):
            self._spawn("reply", self._reply(text, conversation_id))
        else:
            self._send("intent", self._transcript(text, conversation_id))

    async def _reply(self, text: str, conversation_id: str) -> None:
        """Take an answer to what the hub has asked; what is none is a sentence like any other."""
        answer = await self._house.timekeeper.reply(text, self._speaker)
        if answer is None:
            self._send("intent", self._transcript(text, conversation_id))
        else:
            self._close("intent")
            self.take(m.Answered(answer))

    def _transcript(self, text: str, conversation_id: str) -> Event:
        context = self._context(conversation_id)
        return Transcript(text=text, language=self._speaker.language, context=context).event()

    def _context(self, conversation_id: str) -> dict[str, Any]:
        context = {"turn_id": self._core.turn_id, "conversation_id": conversation_id}
        context |= {"satellite_id": self._speaker.satellite_id}
        return context | ({"area": self._speaker.area} if self._speaker.area else {})

    def _begin_saying(self) -> None:
        context = self._context(self._core.conversation_id)
        voice = Voice(self.take, self._tell, is_streamed=True)
        start = SynthesizeStart(voice=self._voice(self._speaker.language), context=context).event()
        self._open("tts", [start], voice.heard)

    def _end_saying(self, text: str, *, listen_again: bool) -> None:
        if listen_again:
            self._tell(UserEvent(name="listen-again").event())
        self._tell(Synthesize(text=text).event())
        voice = self._voice(self._speaker.language)
        self._send(
            "tts", Synthesize(text=text, voice=voice).event()
        )  # for voices that cannot speak in parts; the others ignore it
        self._send("tts", SynthesizeStop().event())

    def _say(self, say: m.Say) -> None:
        if say.listen_again:
            self._tell(UserEvent(name="listen-again").event())
        self._tell(Synthesize(text=say.text).event())
        context = self._context(self._core.conversation_id)
        voice = self._voice(say.language or self._speaker.language)
        spoken = Synthesize(text=say.text, voice=voice, context=context).event()
        self._open("tts", [spoken], Voice(self.take, self._tell).heard)

    def _voice(self, language: str) -> SynthesizeVoice | None:
        """Return the voice of a language; when there is none, say so once, after this."""
        if self._house.voices.misses(language):
            spoken = next((one for one in VOICES_TRIED if self._house.voices.of(one)), DEFAULT_LANGUAGE)
            told = m.Answer(sentences.say("answers.no_voice", spoken, name=sentences.called(language)), done=False)
            self._house.announcements.announce(replace(self._speaker, language=spoken), told)
        return self._house.voices.of(language)

    def _say_failure(self, failure: m.Failure) -> None:
        language = self._speaker.language
        self._tell(Synthesize(text=sentences.say(f"failures.{failure}", language)).event())
        sound = self._house.phrases.sound(failure, language)
        self._spawn("phrase", self._play(sound, Voice(self.take, self._tell)))

    def _say_filler(self, text: str) -> None:
        self._tell(UserEvent(name=FILLER, data={"text": text} if text else None).event())
        voice = Voice(_unheard, self._tell)
        if text:
            spoken = Synthesize(text=text, voice=self._house.voices.of(self._speaker.language)).event()
            said = StageStream("tts", self._house.directory.uri("tts"), [spoken], voice.heard)
            self._spawn(FILLER, said.run())
        else:
            self._spawn(FILLER, self._play(self._house.phrases.sound(FILLER, self._speaker.language), voice))

    def _cut_filler(self) -> None:
        if FILLER in self._tasks:
            self._close(FILLER)
            self._tell(AudioStop().event())

    async def _play(self, sound: Sound, voice: Voice) -> None:
        for event in _events_of(sound):
            await voice.heard(event)

    async def _from_wake(self, event: Event) -> bool:
        if event.type == "detection":
            self.take(m.WakeWordHeard(str(event.data.get("name")), _milliseconds(event)))
            return True
        return False

    async def _from_vad(self, event: Event) -> bool:
        match event.type:
            case "voice-started":
                self._tell(VoiceStarted(timestamp=_milliseconds(event)).event())
                self.take(m.SpeechStarted(_milliseconds(event)))
            case "voice-stopped":
                self.take(m.SpeechStopped(_milliseconds(event)))
        return False

    async def _from_asr(self, event: Event) -> bool:
        if event.type == "user-event" and event.data.get("name") == SPECULATION:
            self.take(m.Guessed(bool((event.data.get("data") or {}).get("complete"))))
        if event.type != "transcript":
            return False
        text = str(event.data.get("text", ""))
        _LOG.debug("transcript", text=text)
        self._turn_is_in(language_of(event.data))
        self.take(m.Transcribed(text))
        return True

    async def _from_intent(self, event: Event) -> bool:
        if event.type == "user-event" and event.data.get("name") == FILLER:
            self.take(m.FillerOffered(str((event.data.get("data") or {}).get("text") or "")))
            return False
        answer = await self._understanding.hear(event)
        match answer:
            case m.AnswerPart():
                self.take(answer)
            case m.Answer(text):
                _LOG.debug("answer", text=text)
                self.take(m.Answered(answer))
                return True
        return False

    def _open(self, role: str, first: list[Event], heard: Heard) -> None:
        self._close(role)
        stream = StageStream(role, self._house.directory.uri(role), first, heard)
        self._streams[role] = stream
        self._spawn(role, stream.run())

    def _send(self, role: str, event: Event) -> None:
        if role not in self._streams:
            return
        try:
            self._streams[role].send(event)
        except RosieError as err:
            self._failed(role, err)

    def _spawn(self, role: str, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await work
            except RosieError as err:
                self._failed(role, err)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks[role] = task
        task.add_done_callback(lambda done: self._tasks.pop(role) if self._tasks.get(role) is done else None)

    def _failed(self, role: str, error: RosieError) -> None:
        _LOG.warning("stage failed", stage=role, reason=str(error), turn_id=self._core.turn_id)
        self._close(role)
        if role == FILLER:
            return  # the answer is what counts
        known = role in [failure.value for failure in m.Failure]
        self.take(m.StageFailed(m.Failure(role) if known else m.Failure.TTS))

    def _close(self, role: str) -> None:
        self._streams.pop(role, None)
        if task := self._tasks.pop(role, None):
            task.cancel()

    def _close_stages(self) -> None:
        for role in list(self._tasks):
            self._close(role)

    def _schedule_tick(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._tick = None
        if self._core.deadline is not None:
            loop = asyncio.get_running_loop()
            self._tick = loop.call_at(self._core.deadline, self.take, m.Tick())

    def _mark(self, mark: m.Mark) -> None:
        if mark.step in (m.Step.WAKE, m.Step.ANNOUNCED):
            self._timeline = Timeline(self._core.turn_id, mark.at, self._house.work)
        self._timeline.add(mark, self._speaker.satellite_id)


def language_of(given: Mapping[str, Any]) -> str | None:
    """Return the language that a peer names, if it is a tag such as de or de-AT."""
    language = given.get("language")
    return language if isinstance(language, str) and _TAG.fullmatch(language) else None


def _unheard(_: m.Input) -> None:
    """Tell nobody: a filler is no answer, and the rules do not wait for it."""


def _speech_start() -> Event:
    return AudioStart(rate=SPEECH.rate, width=SPEECH.width, channels=SPEECH.channels).event()


def _speech_chunk(pcm: bytes) -> Event:
    return AudioChunk(rate=SPEECH.rate, width=SPEECH.width, channels=SPEECH.channels, audio=pcm).event()


def _events_of(sound: Sound) -> Iterator[Event]:
    step = sound.format.bytes_in(CHUNK_SECONDS)
    about = {"rate": sound.format.rate, "width": sound.format.width, "channels": sound.format.channels}
    for start in range(0, len(sound.pcm), step):
        yield Event("audio-chunk", about, sound.pcm[start : start + step])
    yield AudioStop().event()


def _milliseconds(event: Event) -> int:
    timestamp = event.data.get("timestamp")
    return int(timestamp) if isinstance(timestamp, (int, float)) else 0
