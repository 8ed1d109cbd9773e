"""Turn runner: feeds events to the turn rules and applies their effects to the satellite and the daemons."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.satellite import RunSatellite
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.store import MAX_NAME_CHARACTERS
from wyoming_rosie.errors import RosieError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol.turn import CALLER, event_context
from wyoming_rosie.protocol.wire import encode
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie.text import sentences
from wyoming_rosie.text.language_tags import is_language_tag
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie.timers.service import TimerService
from wyoming_rosie.voice_activity.endpointing import (
    CONDUCTED,
    SPECULATION,
    SPEECH_BOUNDARIES,
    Completeness,
    EndpointingRules,
)
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.announcements import AnnouncementQueue
from wyoming_rosie_hub.core import BETWEEN_TURNS, TurnCore, TurnPhase
from wyoming_rosie_hub.daemon_streams import DaemonStream, OnEvent
from wyoming_rosie_hub.directory import DaemonDirectory
from wyoming_rosie_hub.fallback_audio import FILLER, FallbackAudio
from wyoming_rosie_hub.intent_response import IntentExecutor, IntentResponse, find_intent
from wyoming_rosie_hub.late_answers import LATE_ANSWERS, LateAnswers, find_late_answer
from wyoming_rosie_hub.reply_streamer import ReplyStreamer
from wyoming_rosie_hub.satellites.arbitration import SatelliteArbitration
from wyoming_rosie_hub.satellites.levels import LevelMonitor
from wyoming_rosie_hub.satellites.wake_claims import WakeClaims
from wyoming_rosie_hub.satellites.wake_word_history import WakeWordHistory
from wyoming_rosie_hub.timeline import Timeline, TurnHistory
from wyoming_rosie_hub.voice_selection import VoiceSelector
from wyoming_rosie_hub.volume.service import VolumeService

_LOG = structlog.get_logger()
DEFAULT_LANGUAGE = "en"
ASR_CONTEXT = {CONDUCTED: True, SPEECH_BOUNDARIES: True}
"""Tells asr to leave the end of speech to the hub, and where speech is to the vad daemon."""
NEAR_MISS = "near-miss"
"""Name of the user-event for a wake word that was nearly detected."""
WAKE_CONTEXT = {"near_misses": True}
"""Asks the wake daemon for near misses, too."""
SPEAKER = "speaker"
"""Key of a transcript's context: the person who speaks."""
PARTIAL_TRANSCRIPTS = frozenset({"transcript-start", "transcript-chunk"})
FALLBACK_LANGUAGES = ("en", *sorted(sentences.languages()))
"""Languages to speak in, in order, if there is no voice for the turn's."""


@dataclass
class HubContext:
    """Services and settings that all turns share; a turn takes the settings that hold when it begins."""

    directory: DaemonDirectory
    fallback_audio: FallbackAudio
    timers: TimerService
    volume: VolumeService
    voices: VoiceSelector
    announcements: AnnouncementQueue
    language: str | None = "en"  # None to let the asr daemon detect it
    fillers_enabled: bool = True
    own_filler_seconds: float | None = None
    endpointing: EndpointingRules = field(default_factory=EndpointingRules)
    metrics: TurnMetrics = NULL_TURN_METRICS
    history: TurnHistory = field(default_factory=TurnHistory)
    wake_words: WakeWordHistory = field(default_factory=WakeWordHistory)
    levels: LevelMonitor = field(default_factory=LevelMonitor)
    arbitration: SatelliteArbitration = field(default_factory=SatelliteArbitration)
    late_answers: LateAnswers | None = None  # without, the intent daemon promises none
    on_phase: Callable[[str], None] = lambda _: None  # the turn of a satellite, by its id, has come to another phase

    @property
    def executors(self) -> tuple[IntentExecutor, ...]:
        """The executors of the intents that the hub carries out itself."""
        return (self.timers, self.volume)


class TurnRunner:
    """Runs the turns of one satellite. `send` queues an event for the satellite without waiting."""

    def __init__(self, hub: HubContext, satellite: SatelliteIdentity, send: Callable[[Event], None]) -> None:
        self._hub = hub
        self._satellite_language: str | None = None
        self._satellite = satellite  # with the language of the current turn
        self._send = send
        self._core = TurnCore(may_ask=satellite.may_ask)
        self._take_settings()
        self._streams: dict[str, DaemonStream] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._filler: ReplyStreamer | None = None
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._timeline = Timeline("", 0.0)
        self._response = IntentResponse(self._executors, satellite)
        self._streams_until_told = False  # whether the satellite goes on sending audio after the turn
        self.wake_claims = WakeClaims(
            hub.arbitration, satellite.satellite_id, send, self.process, tells_words=not satellite.is_of_another_make
        )

    def set_satellite_language(self, language: str | None) -> None:
        """Set the language that the satellite reports; None for the hub's."""
        self._satellite_language = language

    @property
    def _requested_language(self) -> str | None:
        return self._satellite_language or self._hub.language

    def _set_turn_language(self, language: str | None) -> None:
        self._satellite = replace(self._satellite, language=language or self._requested_language or DEFAULT_LANGUAGE)
        self._hub.fallback_audio.request_language(self._satellite.language)

    @property
    def phase(self) -> TurnPhase:
        return self._core.phase

    @property
    def _executors(self) -> tuple[IntentExecutor, ...]:
        return self._hub.executors

    def _take_settings(self) -> None:
        self._core.fillers_enabled = self._hub.fillers_enabled
        self._core.own_filler_seconds = self._hub.own_filler_seconds
        self._core.endpointing = self._hub.endpointing

    def process(self, event: m.Input) -> None:
        """Feed an input to the turn rules and apply their effects."""
        if isinstance(event, m.RunRequested):
            self._take_settings()
            self._streams_until_told = self._satellite.is_of_another_make and not event.needs_wake
            if event.needs_wake and self._satellite.may_ask:
                self.wake_claims.join()
        if isinstance(event, m.AudioReceived):
            self._hub.levels.push_audio(self._satellite.satellite_id, event.pcm)
        now = asyncio.get_running_loop().time()
        before = self._core.phase
        for effect in self._core.handle(event, now):
            self._apply(effect)
        self._schedule_deadline()
        if self._core.phase is not before:
            self._hub.on_phase(self._satellite.satellite_id)
            if self._core.phase in BETWEEN_TURNS:
                self.wake_claims.end_turn()
                self._end_stream()

    def _end_stream(self) -> None:
        """Let a satellite of another make wait for its wake word again: wyoming-satellite 1.0 streams until a transcript or this."""
        if self._streams_until_told:
            self._streams_until_told = False
            self._send(RunSatellite().event())

    def add_wake_word(self, event: Event) -> None:
        """Keep a `detection` in the history of wake words."""
        score = parse_number(event_context(event).get("score"))
        self._hub.wake_words.add(str(event.data.get("name")), self._satellite.satellite_id, score)

    def add_near_miss(self, event: Event) -> None:
        """Keep a `near-miss` of a satellite or the wake daemon in the history of wake words."""
        word, score = str(event.data.get("word")), parse_number(event.data.get("score"))
        self._hub.wake_words.add(word, self._satellite.satellite_id, score, detected=False)

    def report_levels(self, event: Event) -> None:
        """Pass on the levels that the satellite reports."""
        self._hub.levels.report(self._satellite.satellite_id, event)

    async def close(self) -> None:
        """Cancel the current turn."""
        self.wake_claims.leave()
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        tasks = list(self._tasks.values())
        self._close_streams()
        if tasks:
            await asyncio.wait(tasks)

    def _apply(self, effect: m.Effect) -> None:
        match effect:
            case m.StartWakeDetection():
                self._open_stream(
                    "wake", [Detect(context=WAKE_CONTEXT).event(), _create_audio_start()], self._on_wake_event
                )
            case m.StopWakeDetection():
                self._close_stream("wake")
            case m.SendToWake(pcm):
                self._send_to("wake", _create_audio_chunk(pcm))
            case m.StartTextTurn():
                self._set_turn_language(None)
                self._open_stream("intent", [], self._on_intent_event)
            case m.StartListening():
                self._start_listening(effect)
            case m.SendToAsrAndVad(pcm):
                chunk = encode(_create_audio_chunk(pcm))
                self._send_encoded("vad", chunk)
                self._send_encoded("asr", chunk)
            case m.ReportSpeechStart(at_ms) | m.CancelSpeculation(at_ms):
                self._send_to("asr", VoiceStarted(timestamp=at_ms).event())
            case m.StartSpeculation(silent_since_ms):
                self._send_to("asr", VoiceStopped(timestamp=silent_since_ms).event())
            case m.FinishListening(ended_ms):
                self._close_stream("vad")
                self._send_to("asr", AudioStop().event())
                self._send(VoiceStopped(timestamp=ended_ms).event())
            case m.RecognizeIntent():
                self._recognize_intent(effect)
            case m.SpeakAnswer(answer, language):
                self._speak_answer(answer, language or self._satellite.language)
            case m.StartAnswerStream():
                self._start_answer_stream()
            case m.SendAnswerChunk(text):
                self._send_to("tts", SynthesizeChunk(text=text).event())
            case m.FinishAnswerStream(answer):
                self._finish_answer_stream(answer)
            case m.SpeakFailure(failure):
                self._speak_failure(failure)
            case m.SpeakFiller(text):
                self._speak_filler(text)
            case m.StopFiller():
                self._stop_filler()
            case m.ReportError(code):
                self._send(Error(text=f"nothing is spoken: {code}", code=code).event())
            case m.CloseDaemonStreams():
                self._close_streams()
            case m.TraceMark():
                self._trace(effect)

    def _start_listening(self, effect: m.StartListening) -> None:
        context = self._create_context(effect.conversation_id)
        language = self._requested_language
        self._set_turn_language(None)
        self._close_stream("wake")
        audio_start = _create_audio_start()
        turn = UserEvent(name="turn", context=context).event()
        self._open_stream("vad", [turn, audio_start], self._on_vad_event)
        transcribe = Transcribe(language=language, context=context | ASR_CONTEXT).event()
        self._open_stream("asr", [transcribe, audio_start], self._on_asr_event)
        detection = Detection(name=effect.wake_word, context=context).event()
        self._open_stream("intent", [detection], self._on_intent_event)
        self._send(Transcribe(language=language).event())

    def _recognize_intent(self, effect: m.RecognizeIntent) -> None:
        self._streams_until_told = False
        self._send(Transcript(text=effect.text, context=self._create_context(effect.conversation_id)).event())
        self._response = IntentResponse(self._executors, self._satellite)
        if self._hub.timers.is_waiting(self._satellite.satellite_id):
            self._start_task("reply", self._answer_question(effect))
        else:
            self._send_to("intent", self._create_transcript(effect))

    async def _answer_question(self, effect: m.RecognizeIntent) -> None:
        """Use the text as the answer to the hub's question; if it is none, recognize its intent as usual."""
        answer = await self._hub.timers.answer_question(effect.text, self._satellite)
        if answer is None:
            self._send_to("intent", self._create_transcript(effect))
        else:
            self._close_stream("intent")
            self.process(answer)

    def _create_transcript(self, effect: m.RecognizeIntent) -> Event:
        late = {LATE_ANSWERS: True} if self._hub.late_answers else {}
        speaker = {SPEAKER: effect.speaker} if effect.speaker else {}
        context = self._create_context(effect.conversation_id) | create_intent_context(self._satellite) | late | speaker
        return Transcript(text=effect.text, language=self._satellite.language, context=context).event()

    def _create_context(self, conversation_id: str) -> dict[str, Any]:
        context = {"turn_id": self._core.turn_id, "conversation_id": conversation_id}
        context |= {"satellite_id": self._satellite.satellite_id}
        return context | ({"area": self._satellite.area} if self._satellite.area else {})

    def _start_answer_stream(self) -> None:
        context = self._create_context(self._core.conversation_id)
        voice = self._select_voice(self._satellite.language)
        start = SynthesizeStart(voice=voice, context=context).event()
        self._open_stream("tts", [start], ReplyStreamer(self.process, self._send, in_segments=True).on_event)

    def _finish_answer_stream(self, answer: SpokenAnswer) -> None:
        self._send_answer_text(answer)
        voice = self._select_voice(self._satellite.language)
        # for voices without streaming input; the others ignore it
        self._send_to("tts", Synthesize(text=answer.text, voice=voice).event())
        self._send_to("tts", SynthesizeStop().event())

    def _speak_answer(self, answer: SpokenAnswer, language: str) -> None:
        self._send_answer_text(answer)
        context = self._create_context(self._core.conversation_id)
        request = Synthesize(text=answer.text, voice=self._select_voice(language), context=context).event()
        self._open_stream("tts", [request], ReplyStreamer(self.process, self._send).on_event)

    def _send_answer_text(self, answer: SpokenAnswer) -> None:
        self._hub.history.add_text(self._core.turn_id, answer=answer.text)
        if answer.expects_reply:
            self._send(UserEvent(name="listen-again").event())
        self._send(Synthesize(text=answer.text).event())

    def _select_voice(self, language: str) -> SynthesizeVoice | None:
        """Return a voice for a language. If there is none, announce that once, after this turn."""
        if self._hub.voices.report_missing(language):
            self._announce_missing_voice(language)
        return self._hub.voices.select(language)

    def _announce_missing_voice(self, language: str) -> None:
        fallback = next(filter(self._hub.voices.select, FALLBACK_LANGUAGES), DEFAULT_LANGUAGE)
        text = sentences.format_sentence("answers.no_voice", fallback, name=sentences.language_name(language))
        satellite = replace(self._satellite, language=fallback)
        self._hub.announcements.announce(satellite, SpokenAnswer(text, succeeded=False))

    def _speak_failure(self, failure: m.Failure) -> None:
        if failure is m.Failure.FORBIDDEN:
            self._set_turn_language(None)
            _LOG.info(
                "audit", action="listen", caller=self._satellite.caller, room=self._satellite.area, outcome="refused"
            )
        language = self._satellite.language
        self._send(Synthesize(text=sentences.format_sentence(f"failures.{failure}", language)).event())
        clip = self._hub.fallback_audio.get_clip(failure, language)
        self._start_task("failure", ReplyStreamer(self.process, self._send).play(clip))

    def _speak_filler(self, text: str) -> None:
        self._send(UserEvent(name=FILLER, data={"text": text} if text else None).event())
        language = self._satellite.language
        self._filler = streamer = ReplyStreamer(_ignore_input, self._send)
        if text:
            request = Synthesize(text=text, voice=self._hub.voices.select(language)).event()
            stream = DaemonStream(self._hub.directory.find_uri("tts"), "tts", [request], streamer.on_event)
            self._start_task(FILLER, stream.run())
        else:
            self._start_task(FILLER, streamer.play(self._hub.fallback_audio.get_clip(FILLER, language)))

    def _stop_filler(self) -> None:
        if FILLER in self._tasks:
            self._close_stream(FILLER)
            if self._filler is not None and not self._filler.has_ended:
                self._send(AudioStop().event())

    async def _on_wake_event(self, event: Event) -> bool:
        if event.type == "detection":
            self.add_wake_word(event)
            score = parse_number(event_context(event).get("score"))
            detected = m.WakeWordDetected(str(event.data.get("name")), _timestamp_ms(event))
            self.wake_claims.claim_detection(detected, score)
        if event.type == "user-event" and event.data.get("name") == NEAR_MISS:
            self.add_near_miss(event)
        return False

    async def _on_vad_event(self, event: Event) -> bool:
        match event.type:
            case "voice-started":
                self._send(VoiceStarted(timestamp=_timestamp_ms(event)).event())
                self.process(m.SpeechStarted(_timestamp_ms(event)))
            case "voice-stopped":
                self.process(m.SpeechStopped(_timestamp_ms(event)))
        return False

    async def _on_asr_event(self, event: Event) -> bool:
        if event.type == "user-event" and event.data.get("name") == SPECULATION:
            self.process(_parse_speculation(event))
        if event.type == "voice-stopped":  # of the first voice, while another goes on
            self.process(m.SpeechStopped(_timestamp_ms(event)))
        if event.type in PARTIAL_TRANSCRIPTS:
            self._send(Event(event.type, event.data))
        if event.type != "transcript":
            return False
        text = str(event.data.get("text", ""))
        _LOG.debug("transcript", text=text)
        self._hub.history.add_text(self._core.turn_id, heard=text)
        self._set_turn_language(parse_language(event.data))
        self.process(m.FinalTranscript(text, parse_speaker(event)))
        return True

    async def _on_intent_event(self, event: Event) -> bool:
        if event.type == "user-event" and event.data.get("name") == FILLER:
            self.process(m.FillerReceived(str((event.data.get("data") or {}).get("text") or "")))
            return False
        if intent := find_intent(event):
            self._hub.history.add_intent(self._core.turn_id, intent)
        if self._hub.late_answers and (answer_id := find_late_answer(event)):
            self._hub.late_answers.fetch(answer_id, self._satellite, self._core.conversation_id)
        answer = await self._response.feed(event)
        match answer:
            case m.AnswerChunkReceived():
                self.process(answer)
            case SpokenAnswer(text):
                _LOG.debug("answer", text=text)
                self.process(answer)
                return True
        return False

    def _open_stream(self, role: str, first: list[Event], on_event: OnEvent) -> None:
        self._close_stream(role)
        directory = self._hub.directory
        uri, *others = directory.find_uris(role)
        stream = DaemonStream(uri, role, first, on_event, others, directory.note_unreachable)
        self._streams[role] = stream
        self._start_task(role, stream.run())

    def _send_to(self, role: str, event: Event) -> None:
        self._send_encoded(role, encode(event))

    def _send_encoded(self, role: str, encoded: bytes) -> None:
        if role not in self._streams:
            return
        try:
            self._streams[role].send_encoded(encoded)
        except RosieError as err:
            self._on_failure(role, err)

    def _start_task(self, role: str, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await work
            except RosieError as err:
                self._on_failure(role, err)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks[role] = task
        task.add_done_callback(lambda done: self._tasks.pop(role) if self._tasks.get(role) is done else None)

    def _on_failure(self, role: str, error: RosieError) -> None:
        _LOG.warning("stage failed", stage=role, reason=str(error), turn_id=self._core.turn_id)
        self._close_stream(role)
        if role == FILLER:
            return  # the answer can still be spoken
        is_stage = role in [failure.value for failure in m.Failure]
        self.process(m.StageFailed(m.Failure(role) if is_stage else m.Failure.TTS))

    def _close_stream(self, role: str) -> None:
        self._streams.pop(role, None)
        if task := self._tasks.pop(role, None):
            task.cancel()

    def _close_streams(self) -> None:
        for role in list(self._tasks):
            self._close_stream(role)

    def _schedule_deadline(self) -> None:
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._deadline_timer = None
        if self._core.deadline is not None:
            loop = asyncio.get_running_loop()
            self._deadline_timer = loop.call_at(self._core.deadline, self.process, m.TurnDeadlineReached())

    def _trace(self, mark: m.TraceMark) -> None:
        if mark.step in (m.TraceStep.WAKE, m.TraceStep.ANNOUNCED):
            self._hub.history.begin(self._core.turn_id, self._satellite.satellite_id, self._satellite.area)
            self._timeline = Timeline(self._core.turn_id, mark.at, self._hub.metrics, self._hub.history)
        self._timeline.record(mark, self._satellite.satellite_id)


def parse_language(fields: Mapping[str, Any]) -> str | None:
    """Return the language that a peer names, if it is a language tag such as de or de-AT."""
    language = fields.get("language")
    return language if is_language_tag(language) else None


def parse_speaker(event: Event) -> str | None:
    """Return the person whose voice asr has heard; None for a guest."""
    speaker = event_context(event).get(SPEAKER)
    return speaker if isinstance(speaker, str) and 0 < len(speaker) <= MAX_NAME_CHARACTERS else None


def _ignore_input(_: m.Input) -> None:
    """Drop what a filler's streamer reports: the turn rules only track the answer's audio."""


def _create_audio_start() -> Event:
    return AudioStart(rate=SPEECH.rate, width=SPEECH.width, channels=SPEECH.channels).event()


def _create_audio_chunk(pcm: bytes) -> Event:
    return AudioChunk(rate=SPEECH.rate, width=SPEECH.width, channels=SPEECH.channels, audio=pcm).event()


def _parse_speculation(event: Event) -> m.SpeculationPending | m.SpeculationResult:
    data = event.data.get("data") or {}
    if data.get("pending"):
        return m.SpeculationPending()
    known = data.get("completeness") in list(Completeness)
    return m.SpeculationResult(Completeness(data["completeness"]) if known else Completeness.UNKNOWN)


def _timestamp_ms(event: Event) -> int:
    return int(parse_number(event.data.get("timestamp")) or 0)


def create_intent_context(satellite: SatelliteIdentity) -> dict[str, Any]:
    """Return what the intent daemon is to know of a sentence: who asks, what it may do, and what the hub does.

    The hub reminds when somebody comes home or leaves.
    """
    allowed = {} if satellite.may_act else {"allow_tools": False}
    return {"arrivals": True, CALLER: satellite.caller or satellite.satellite_id, **allowed}
