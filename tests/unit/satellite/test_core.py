"""The rules of a satellite: dialogues as data, single rules, and inputs in any order."""

import copy
from collections import defaultdict

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from wyoming.event import Event

from tests.unit.satellite.dialogues import (
    DIALOGUES,
    DIALOGUES_OF_TWO,
    JARVIS,
    ConductorSends,
    Dialogue,
    SatelliteSends,
    UserSays,
    merge_repeated_chunks,
)
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.pre_roll import PRE_ROLL_SAMPLES
from wyoming_rosie_satellite.core import (
    IDLE_PHASES,
    MAX_COMMAND_SECONDS,
    REPLY_TIMEOUT_SECONDS,
    SHUTDOWN_PAUSE_SECONDS,
    SILENT_REPLY_TIMEOUT_SECONDS,
    STABLE_SAMPLES,
    STALLED_AUDIO_SECONDS,
    SatelliteCore,
    SatelliteOptions,
)
from wyoming_rosie_satellite.events import create_event, parse_input
from wyoming_rosie_satellite.messages import SatellitePhase

FRAME = 320  # samples


def microphone(first: int, samples: int) -> bytes:
    """Audio in which each sample says which one it is."""
    return b"".join((place % 65_536).to_bytes(2, "little") for place in range(first, first + samples))


class CoreSimulation:
    """A core whose speaker plays without taking time, and what it told the conductors."""

    def __init__(self, habits: SatelliteOptions | None = None) -> None:
        self.core = SatelliteCore(habits or SatelliteOptions())
        self.now = 100.0
        self.heard = 0  # samples
        self.sent: list[Event] = []  # to anybody
        self._active_slot = m.MAIN_SLOT
        self._sent_types: defaultdict[str, list[str]] = defaultdict(list)  # types by slot, since somebody asked
        self._last_type: defaultdict[str, str] = defaultdict(str)

    def handle(self, *inputs: m.Input) -> list[m.Effect]:
        """Give inputs to the core; afterwards the speaker has played what it got."""
        effects = [effect for one in inputs for effect in self.core.handle(one, self.now)]
        for effect in effects:
            self._note(effect)
        played = [m.ReplyAudioPlayed(effect.clip) for effect in effects if isinstance(effect, m.ReportWhenPlayed)]
        return effects + (self.handle(*played) if played else [])

    def push_audio(self, samples: int = FRAME) -> list[m.Effect]:
        pcm = microphone(self.heard, samples)
        self.heard += samples
        return self.handle(m.MicAudio(pcm))

    def wake(self, sample: int | None = None) -> list[m.Effect]:
        return self.handle(m.WakeWord("okay_nabu", self.heard if sample is None else sample, "t1", 0.9))

    def perform(self, dialogue: Dialogue) -> None:
        for step in dialogue:
            match step:
                case UserSays(word):
                    self.push_audio(16_000)
                    self.handle(m.WakeWord(word, self.heard - 1000, "t1", 0.9))
                    self.push_audio()
                case ConductorSends(events, slot):
                    self.handle(*(one for event in events for one in inputs_of(event, slot)))
                    self.push_audio()
                case SatelliteSends(types, slot):
                    assert self.take_types(slot) == list(types)

    def take_types(self, slot: str) -> list[str]:
        types, last = self._sent_types.pop(slot, []), self._last_type[slot]
        self._last_type[slot] = (types or [last])[-1]
        return merge_repeated_chunks(types, last)

    def _note(self, effect: m.Effect) -> None:
        match effect:
            case m.SwitchSlot(slot):
                self._active_slot = slot
            case m.RejectAudio(slot):
                self._sent_types[slot].append("error")
            case _ if isinstance(effect, m.ConductorEffect):
                self.sent.append(create_event(effect))
                self._sent_types[self._active_slot].append(self.sent[-1].type)


def inputs_of(event: Event, slot: str) -> list[m.Input]:
    match event.type:
        case "run-satellite":
            return [m.ConductorJoined(slot)]
        case "pause-satellite":
            return [m.ConductorPaused(slot)]
        case "audio-start":
            return [m.ConductorMessage(slot, m.ReplyAudioStarted())]
        case "audio-chunk":
            return [m.ConductorMessage(slot, m.ReplyAudioReceived(event.payload or b""))]
        case "audio-stop":
            return [m.ConductorMessage(slot, m.ReplyAudioEnded())]
    known = parse_input(event)
    return [] if known is None else [m.ConductorMessage(slot, known)]


@pytest.fixture
def satellite() -> CoreSimulation:
    rehearsal = CoreSimulation()
    rehearsal.handle(m.ConductorJoined())
    return rehearsal


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=list(DIALOGUES))
def test_dialogue(dialogue: Dialogue) -> None:
    CoreSimulation().perform(dialogue)


@pytest.mark.parametrize("dialogue", DIALOGUES_OF_TWO.values(), ids=list(DIALOGUES_OF_TWO))
def test_dialogue_with_two_conductors(dialogue: Dialogue) -> None:
    CoreSimulation(SatelliteOptions(slots={JARVIS})).perform(dialogue)


def sent(effects: list[m.Effect]) -> bytes:
    return b"".join(effect.pcm for effect in effects if isinstance(effect, m.SendAudio))


@given(
    frames=st.lists(st.integers(1, 2000), max_size=30),
    back=st.integers(0, PRE_ROLL_SAMPLES - 2000),
    after=st.integers(1, 2000),
)
def test_audio_is_sent_from_the_detections_own_sample_on(frames: list[int], back: int, after: int) -> None:
    satellite = CoreSimulation()
    satellite.handle(m.ConductorJoined())
    for samples in frames:
        satellite.push_audio(samples)
    sample = max(0, satellite.heard - back)
    effects = satellite.wake(sample) + satellite.push_audio(after)
    assert sent(effects) == microphone(sample, satellite.heard - sample)


def test_nothing_said_before_the_detection_is_sent(satellite: CoreSimulation) -> None:
    for _ in range(50):
        satellite.push_audio()
    (chunk, *_) = [effect for effect in satellite.wake(15_000) if isinstance(effect, m.SendAudio)]
    assert chunk.pcm == microphone(15_000, FRAME - 15_000 % FRAME)
    assert chunk.milliseconds == 15_000 // 16


def test_detection_is_told_before_the_run_and_the_run_before_its_audio(satellite: CoreSimulation) -> None:
    satellite.push_audio()
    assert [type(effect) for effect in satellite.wake(100)] == [
        m.StopPlayback, m.ReportWakeWord, m.RequestRun, m.SendAudio, m.PlayCue, m.ReportPhase,
    ]  # fmt: skip


def test_a_command_without_end_is_ended_by_the_satellite(satellite: CoreSimulation) -> None:
    satellite.wake()
    satellite.now += MAX_COMMAND_SECONDS
    assert m.SendAudioStop() in satellite.handle(m.DeadlineReached())
    assert satellite.core.phase is SatellitePhase.THINKING


def test_an_answer_that_never_comes_is_not_waited_for(satellite: CoreSimulation) -> None:
    satellite.wake()
    satellite.handle(m.SpeechEnded())
    satellite.now += REPLY_TIMEOUT_SECONDS
    satellite.handle(m.DeadlineReached())
    assert satellite.core.phase is SatellitePhase.WAITING


def understood_in_silence(satellite: CoreSimulation) -> None:
    """Let a run be understood by a conductor that does not say when it is over, and nothing follow."""
    satellite.wake()
    satellite.handle(m.TranscriptReceived(reports_end=False))
    satellite.now += SILENT_REPLY_TIMEOUT_SECONDS
    satellite.handle(m.DeadlineReached())


def test_a_run_without_an_answer_is_over_soon(satellite: CoreSimulation) -> None:
    understood_in_silence(satellite)
    assert satellite.core.phase is SatellitePhase.WAITING


def test_a_conductor_that_says_when_a_run_is_over_is_waited_for(satellite: CoreSimulation) -> None:
    satellite.wake()
    satellite.handle(m.TranscriptReceived(reports_end=True))
    satellite.now += SILENT_REPLY_TIMEOUT_SECONDS
    satellite.handle(m.DeadlineReached())
    assert satellite.core.phase is SatellitePhase.THINKING


def test_an_answer_that_comes_later_than_most_is_heard_and_its_question_listened_for(satellite: CoreSimulation) -> None:
    understood_in_silence(satellite)
    effects = satellite.handle(
        m.ReplyTextReceived("Which lamp?"), m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"), m.ReplyAudioEnded()
    )
    assert m.RequestRun(None) in effects


def test_a_failure_that_comes_later_than_most_is_heard_once(satellite: CoreSimulation) -> None:
    understood_in_silence(satellite)
    assert satellite.handle(m.RunFailed("timeout")) == [m.PlayCue(m.Cue.ERROR)]
    assert satellite.handle(m.RunFailed("timeout")) == []


def test_a_question_that_nobody_waits_for_any_more_is_only_spoken(satellite: CoreSimulation) -> None:
    understood_in_silence(satellite)
    satellite.now += REPLY_TIMEOUT_SECONDS
    effects = satellite.handle(
        m.ReplyTextReceived("Who?"), m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"), m.ReplyAudioEnded()
    )
    assert m.RequestRun(None) not in effects


@pytest.mark.parametrize(
    "wanted", [m.WakeWord("okay_nabu", 0, "t"), m.ListenRequested()], ids=["by a word", "by a button"]
)
def test_what_is_paused_is_silent(satellite: CoreSimulation, wanted: m.Input) -> None:
    assert satellite.handle(m.ConductorPaused()) == [m.ReportPhase(SatellitePhase.PAUSED)]
    assert satellite.handle(wanted) == []
    assert satellite.handle(m.ConductorLeft()) == [m.ReportPhase(SatellitePhase.OFFLINE)]
    assert satellite.handle(wanted) == [m.PlayCue(m.Cue.UNREACHABLE)]


def test_a_pause_keeps_nothing_for_later() -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined(), m.ConductorPaused())
    assert satellite.wake() == []
    assert satellite.take_types(m.OFFLINE_SLOT) == []


@pytest.mark.parametrize(
    ("before", "passed", "is_told"),
    [
        ([], 0.0, False),
        ([m.ListenRequested()], 0.1, True),
        ([m.ListenRequested(), m.SpeechEnded()], 0.1, True),
        ([m.ListenRequested()], SHUTDOWN_PAUSE_SECONDS, False),
    ],
    ids=["waiting", "listening", "thinking", "muted long before"],
)
def test_a_conductor_that_pauses_because_it_shuts_down_is_lost(
    satellite: CoreSimulation, before: list[m.Input], passed: float, is_told: bool
) -> None:
    satellite.handle(*before)
    assert satellite.handle(m.ConductorPaused()) == [m.ReportPhase(SatellitePhase.PAUSED)]
    satellite.now += passed
    assert (m.PlayCue(m.Cue.LOST) in satellite.handle(m.ConductorLeft())) == is_told


def test_what_is_announced_while_muted_is_played_and_not_listened_after(satellite: CoreSimulation) -> None:
    satellite.handle(m.MuteRequested(muted=True))
    effects = satellite.handle(
        m.ReplyAudioStarted(), m.FollowUpRequested(), m.ReplyAudioReceived(b"ab"), m.ReplyAudioEnded()
    )
    assert m.PlayAudio(b"ab") in effects
    assert effects[-2:] == [m.ReportPlayed(), m.ReportPhase(SatellitePhase.WAITING)]
    satellite.handle(m.MuteRequested(muted=False))
    assert m.ReportPlayed() in (effects := satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioEnded()))
    assert m.RequestRun(None) not in effects


def test_a_sound_whose_end_never_comes_is_over_at_its_deadline(satellite: CoreSimulation) -> None:
    satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"))
    satellite.now += STALLED_AUDIO_SECONDS
    assert m.ReportPlayed() in satellite.handle(m.DeadlineReached())


def test_an_early_tick_changes_nothing(satellite: CoreSimulation) -> None:
    satellite.wake()
    assert satellite.handle(m.DeadlineReached()) == []


def test_sound_played_before_a_newer_sound_is_not_reported() -> None:
    core = SatelliteCore(phase=SatellitePhase.WAITING)
    for one in (m.ReplyAudioStarted(), m.ReplyAudioEnded(), m.ReplyAudioStarted(), m.ReplyAudioEnded()):
        core.handle(one, 0)
    assert core.handle(m.ReplyAudioPlayed(1), 0) == []
    assert m.ReportPlayed() in core.handle(m.ReplyAudioPlayed(2), 0)


def test_a_wake_word_silences_an_answer_and_its_rest_is_not_played(satellite: CoreSimulation) -> None:
    satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"))
    assert satellite.wake()[:2] == [m.StopPlayback(), m.ReportPlayed()]
    assert satellite.handle(m.ReplyAudioReceived(b"cd"), m.ReplyAudioEnded()) == []


def test_what_was_received_is_heard_when_the_conductor_leaves_in_the_middle(satellite: CoreSimulation) -> None:
    satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"))
    effects = satellite.handle(m.ConductorLeft())
    assert effects == [m.ReportWhenPlayed(1), m.PlayCue(m.Cue.LOST), m.ReportPhase(SatellitePhase.OFFLINE)]


@pytest.mark.parametrize(
    ("before", "is_told"),
    [
        ([], False),
        ([m.ListenRequested()], True),
        ([m.ListenRequested(), m.SpeechEnded()], True),
        ([m.ReplyAudioStarted(), m.ReplyAudioEnded()], False),
    ],
    ids=["waiting", "listening", "thinking", "all of the answer is there"],
)
def test_who_waits_for_an_answer_is_told_that_the_conductor_is_gone(
    satellite: CoreSimulation, before: list[m.Input], is_told: bool
) -> None:
    satellite.handle(*before)
    assert (m.PlayCue(m.Cue.LOST) in satellite.handle(m.ConductorLeft())) == is_told


def test_an_answer_whose_rest_does_not_come_is_spoken_about(satellite: CoreSimulation) -> None:
    satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"))
    satellite.now = satellite.core.deadline or 0
    assert satellite.handle(m.DeadlineReached())[:2] == [m.ReportWhenPlayed(1), m.PlayCue(m.Cue.LOST)]


@pytest.mark.parametrize(
    ("code", "cues"),
    [
        ("intent-unavailable", [m.PlayCue(m.Cue.ERROR)]),
        ("", [m.PlayCue(m.Cue.ERROR)]),
        ("stt-no-text-recognized", [m.PlayCue(m.Cue.NOTHING)]),
        ("nothing-to-say", []),
        ("duplicate_wake_up_detected", []),
    ],
    ids=["failure", "no code", "nothing said", "never mind", "another satellite has it"],
)
def test_only_what_failed_is_called_a_failure(satellite: CoreSimulation, code: str, cues: list[m.Effect]) -> None:
    satellite.wake()
    assert satellite.handle(m.RunFailed(code)) == [*cues, m.ReportPhase(SatellitePhase.WAITING)]


def test_a_microphone_that_fails_is_spoken_about_once_until_it_has_worked_for_a_while(
    satellite: CoreSimulation,
) -> None:
    told = [m.PlayCue(m.Cue.DEAF)]
    assert satellite.handle(m.MicrophoneLost()) == told
    assert satellite.handle(m.MicrophoneLost()) == []
    one_second = m.MicAudio(bytes(2 * STABLE_SAMPLES // 60))
    satellite.handle(*[one_second] * 59)
    assert satellite.handle(m.MicrophoneLost()) == []
    satellite.handle(*[one_second] * 60)
    assert satellite.handle(m.MicrophoneLost()) == told


def test_a_timer_rings_at_once_unless_somebody_is_listened_to(satellite: CoreSimulation) -> None:
    assert satellite.handle(m.TimerFinished()) == [m.PlayCue(m.Cue.TIMER)]
    satellite.wake()
    assert satellite.handle(m.TimerFinished()) == []
    assert m.PlayCue(m.Cue.TIMER) in satellite.handle(m.SpeechEnded())


def test_the_answer_cuts_a_filler_off_and_nothing_cuts_the_answer() -> None:
    core = SatelliteCore(phase=SatellitePhase.WAITING)
    for one in (m.FillerAnnounced(), m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"), m.ReplyAudioEnded()):
        core.handle(one, 0)
    assert core.handle(m.ReplyAudioStarted(), 0) == [m.StopPlayback()]
    core.handle(m.ReplyAudioEnded(), 0)
    assert core.handle(m.ReplyAudioStarted(), 0) == []


def test_a_filler_that_was_heard_is_no_answer_yet(satellite: CoreSimulation) -> None:
    satellite.wake()
    filler = satellite.handle(m.SpeechEnded(), m.FillerAnnounced(), m.ReplyAudioStarted(), m.ReplyAudioEnded())
    assert filler[-1] == m.ReportPhase(SatellitePhase.THINKING)
    answer = satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioEnded())
    assert answer[-2:] == [m.ReportPlayed(), m.ReportPhase(SatellitePhase.WAITING)]


def test_an_answer_that_fails_while_a_filler_is_heard_is_over(satellite: CoreSimulation) -> None:
    satellite.wake()
    satellite.handle(m.SpeechEnded(), m.FillerAnnounced(), m.ReplyAudioStarted())
    assert satellite.handle(m.RunFailed()) == [m.PlayCue(m.Cue.ERROR), m.ReportPhase(SatellitePhase.WAITING)]


def test_who_holds_the_button_may_pause() -> None:
    satellite = CoreSimulation(SatelliteOptions(endpointing=EndpointingRules()))
    satellite.handle(m.ConductorJoined(), m.ListenRequested(held=True))
    satellite.handle(m.VoiceStarted(100), m.VoiceStopped(500), m.VadProgress(20_000))
    assert satellite.core.phase is SatellitePhase.STREAMING
    let_go = satellite.handle(m.StopRequested())
    assert m.SendAudioStop() in let_go
    assert m.ReportPhase(SatellitePhase.THINKING) in let_go


def test_a_failed_question_is_not_listened_for(satellite: CoreSimulation) -> None:
    satellite.wake()
    satellite.handle(m.SpeechEnded(), m.FollowUpRequested(), m.RunFailed())
    satellite.handle(m.ReplyAudioStarted(), m.ReplyAudioEnded())
    assert satellite.core.phase is SatellitePhase.WAITING


def test_a_word_may_ask_for_a_pipeline_of_its_own(satellite: CoreSimulation) -> None:
    satellite.core.options = SatelliteOptions(pipelines={"okay_nabu": "Kitchen"})
    assert m.RequestRun("okay_nabu", "Kitchen") in satellite.wake()
    (asked,) = [event for event in satellite.sent if event.type == "run-pipeline"]
    assert asked.data["name"] == "Kitchen"


def test_a_word_stops_an_answer_and_is_no_beginning(satellite: CoreSimulation) -> None:
    satellite.wake()
    satellite.handle(m.SpeechEnded(), m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"))
    assert satellite.handle(m.StopWord()) == [m.StopPlayback(), m.ReportPlayed(), m.ReportPhase(SatellitePhase.WAITING)]
    assert satellite.handle(m.ReplyAudioReceived(b"ab"), m.ReplyAudioEnded()) == []
    assert satellite.handle(m.StopWord()) == []


def test_a_button_begins_to_listen_and_ends_what_is_being_done(satellite: CoreSimulation) -> None:
    began = satellite.handle(m.ListenRequested())
    assert began == [
        m.StopPlayback(),
        m.RequestRun(None),
        m.PlayCue(m.Cue.AWAKE),
        m.ReportPhase(SatellitePhase.STREAMING),
    ]
    assert satellite.handle(m.ListenRequested()) == []
    assert m.SendAudioStop() in satellite.handle(m.StopRequested())
    assert satellite.core.phase is SatellitePhase.THINKING


def test_what_is_muted_hears_and_sends_nothing(satellite: CoreSimulation) -> None:
    satellite.handle(m.ListenRequested())
    assert satellite.handle(m.MuteRequested(muted=True))[0] == m.SendAudioStop()
    satellite.handle(m.RunFailed())
    assert satellite.handle(m.MicAudio(b"ab" * 160), m.ListenRequested(), m.MuteRequested(muted=True)) == []
    assert satellite.wake() == []
    assert satellite.handle(m.MuteRequested(muted=False)) == [m.PlayCue(m.Cue.UNMUTE)]
    satellite.wake()
    assert satellite.core.phase is SatellitePhase.STREAMING


def test_who_wakes_it_without_a_conductor_is_told_so() -> None:
    core = SatelliteCore()
    assert core.handle(m.WakeWord("alexa", 0, "t"), 0) == [m.PlayCue(m.Cue.UNREACHABLE)]
    assert core.handle(m.ListenRequested(), 0) == [m.PlayCue(m.Cue.UNREACHABLE)]


@pytest.mark.parametrize(
    ("voices", "ends_ms"),
    [
        ([m.VoiceStarted(1300), m.VoiceStopped(2000)], 2900),
        ([m.VoiceStarted(1300)], 21_300),
        ([], 7000),
        ([m.NoiseStarted(1300), m.NoiseStopped(2500)], 4000),
        ([m.NoiseStarted(1300), m.NoiseStopped(1900)], 7000),
        ([m.NoiseStarted(1300), m.NoiseStopped(2500), m.VoiceStarted(3000), m.VoiceStopped(4000)], 4900),
    ],
    ids=[
        *("silence after speech", "speech without end", "no speech"),
        *("silence after a long sound", "silence after a short sound", "speech after a long sound"),
    ],
)
def test_a_command_is_over_when_the_rules_say_so(voices: list[m.Input], ends_ms: int) -> None:
    satellite = CoreSimulation()
    satellite.core.options = SatelliteOptions(endpointing=EndpointingRules())
    satellite.handle(m.ConductorJoined(), m.MicAudio(bytes(32_000)), m.ListenRequested(), *voices)
    assert satellite.handle(m.VadProgress(ends_ms - 10)) == []
    assert satellite.handle(m.VadProgress(ends_ms))[0] == m.SendAudioStop()
    assert satellite.core.phase is SatellitePhase.THINKING
    assert satellite.handle(m.VadProgress(ends_ms + 100)) == []


@pytest.mark.parametrize(
    ("text", "listens"), [("Which lamp?", True), ("Done.", False), ("Welche\uff1f ", True), ("? no", False)]
)
def test_an_answer_that_is_a_question_is_listened_for(satellite: CoreSimulation, text: str, listens: bool) -> None:
    satellite.wake()
    satellite.handle(m.SpeechEnded(), m.ReplyAudioStarted(), m.ReplyTextReceived(text), m.ReplyAudioReceived(b"ab"))
    effects = satellite.handle(m.ReplyAudioEnded())
    assert (m.RequestRun(None) in effects) == listens


def test_a_timer_rings_until_somebody_stops_it_or_it_has_rung_enough(satellite: CoreSimulation) -> None:
    ring = m.PlayCue(m.Cue.TIMER)
    assert satellite.handle(m.TimerFinished()) == [ring]
    satellite.now = satellite.core.deadline or 0
    assert satellite.handle(m.DeadlineReached()) == [ring]
    assert satellite.handle(m.StopWord()) == [m.StopPlayback()]
    assert satellite.core.deadline is None
    satellite.handle(m.TimerFinished())
    for rung in range(1, satellite.core.options.timer_rings):
        satellite.now = satellite.core.deadline or 0
        assert satellite.handle(m.DeadlineReached()) == [ring], rung
    assert satellite.core.deadline is None


def test_a_button_ends_a_timer_that_rang_before_somebody_spoke(satellite: CoreSimulation) -> None:
    satellite.handle(m.ListenRequested(), m.TimerFinished(), m.StopRequested())
    assert not satellite.core.is_ringing


def test_a_wake_word_stops_a_timer_and_is_listened_to(satellite: CoreSimulation) -> None:
    satellite.handle(m.TimerFinished())
    assert m.StopPlayback() in satellite.wake()
    assert not satellite.core.is_ringing


def test_who_is_heard_by_nobody_is_told_so_even_while_the_other_answers() -> None:
    satellite = CoreSimulation(SatelliteOptions(slots={JARVIS}))
    satellite.handle(m.ConductorJoined(), m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"))
    effects = satellite.handle(m.WakeWord(JARVIS, 0, "t"))
    assert effects == [
        m.StopPlayback(),
        m.ReportPlayed(),
        m.PlayCue(m.Cue.UNREACHABLE),
        m.ReportPhase(SatellitePhase.WAITING),
    ]


@pytest.mark.parametrize(
    "before",
    [
        [m.ListenRequested()],
        [m.ListenRequested(), m.SpeechEnded()],
        [m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab")],
        [],
    ],
    ids=["listening", "thinking", "speaking", "waiting"],
)
def test_who_leaves_disturbs_nobody_else(before: list[m.Input]) -> None:
    satellite = CoreSimulation(SatelliteOptions(slots={JARVIS}))
    satellite.handle(m.ConductorJoined(), m.ConductorJoined(JARVIS), *before)
    assert satellite.handle(m.ConductorLeft(JARVIS)) == []


def test_the_button_is_the_main_conductors() -> None:
    satellite = CoreSimulation(SatelliteOptions(slots={JARVIS}))
    satellite.handle(m.ConductorJoined(JARVIS))
    assert satellite.handle(m.ListenRequested()) == [m.PlayCue(m.Cue.UNREACHABLE)]
    satellite.handle(m.ConductorJoined(), m.ConductorMessage(JARVIS, m.ReplyAudioStarted()))
    assert satellite.handle(m.ListenRequested())[:4] == [
        m.StopPlayback(),
        m.ReportPlayed(),
        m.SwitchSlot(m.MAIN_SLOT),
        m.RequestRun(),
    ]


SEATS = st.sampled_from([m.MAIN_SLOT, JARVIS, m.BRIDGE_SLOT])
PARTS = st.sampled_from(
    [
        m.SpeechEnded(),
        m.TranscriptReceived(),
        m.TranscriptReceived(reports_end=False),
        m.RunFailed(),
        m.FollowUpRequested(),
        m.FillerAnnounced(),
        m.ReplyAudioStarted(),
        m.ReplyAudioReceived(b"ab"),
        m.ReplyAudioEnded(),
        m.ReplyTextReceived("Which one?"),
    ]
)
KEEPS = SatelliteOptions(endpointing=EndpointingRules(), slots={JARVIS}, stores_runs=True)


def saying_to_nobody(*inputs: m.Input) -> CoreSimulation:
    """Return a satellite that nobody conducts, and that hears a command nevertheless."""
    satellite = CoreSimulation(KEEPS)
    satellite.handle(*inputs)
    satellite.push_audio(16_000)
    satellite.handle(m.WakeWord("okay_nabu", 15_000, "t1"), m.VoiceStarted(1000))
    return satellite


def test_what_is_said_to_nobody_is_kept() -> None:
    satellite = saying_to_nobody()
    assert satellite.take_types(m.OFFLINE_SLOT) == ["detection", "run-pipeline", "audio-chunk"]
    assert satellite.core.phase is SatellitePhase.STREAMING
    effects = satellite.handle(m.VoiceStopped(2000), m.VadProgress(2900))
    assert effects == [m.SendAudioStop(), m.PlayCue(m.Cue.DONE), m.ReportPhase(SatellitePhase.THINKING)]
    assert satellite.handle(m.RunStored()) == [m.PlayCue(m.Cue.KEPT), m.ReportPhase(SatellitePhase.OFFLINE)]
    assert satellite.take_types(m.OFFLINE_SLOT) == ["audio-stop"]


def test_what_cannot_be_kept_is_a_failure() -> None:
    satellite = saying_to_nobody()
    satellite.handle(m.StopRequested())
    assert satellite.handle(m.RunLost()) == [m.PlayCue(m.Cue.ERROR), m.ReportPhase(SatellitePhase.OFFLINE)]


def test_a_disk_that_never_answers_is_not_waited_for() -> None:
    satellite = saying_to_nobody()
    satellite.handle(m.StopRequested())
    satellite.now = satellite.core.deadline or 0
    assert satellite.handle(m.DeadlineReached()) == [m.ReportPhase(SatellitePhase.OFFLINE)]
    assert satellite.handle(m.RunStored()) == []


def test_nobody_speaking_is_nothing_to_keep() -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.push_audio(16_000)
    satellite.wake(16_000)
    effects = satellite.handle(m.VadProgress(1000 + EndpointingRules().no_speech_ms))
    assert effects == [m.DiscardRun(), m.PlayCue(m.Cue.UNREACHABLE), m.ReportPhase(SatellitePhase.OFFLINE)]


def test_muting_forgets_what_is_being_said_and_keeps_nothing_more() -> None:
    satellite = saying_to_nobody()
    assert satellite.handle(m.MuteRequested(muted=True))[0] == m.DiscardRun()
    assert satellite.core.phase is SatellitePhase.OFFLINE
    assert satellite.wake() == []


def test_a_conductor_that_comes_in_the_middle_gets_all_of_it() -> None:
    satellite = saying_to_nobody()
    assert satellite.handle(m.ConductorJoined(JARVIS)) == []
    assert satellite.handle(m.ConductorJoined()) == [m.TransferRun(m.MAIN_SLOT), m.SwitchSlot(m.MAIN_SLOT)]
    satellite.push_audio()
    satellite.handle(m.VoiceStopped(2000), m.VadProgress(2900))
    assert satellite.take_types(m.MAIN_SLOT) == ["audio-chunk", "audio-stop"]
    assert satellite.core.phase is SatellitePhase.THINKING


def test_a_word_is_kept_only_while_its_own_conductor_is_away() -> None:
    satellite = saying_to_nobody(m.ConductorJoined(JARVIS))
    assert satellite.take_types(m.OFFLINE_SLOT)[0] == "detection"
    satellite.handle(m.StopRequested(), m.RunStored())
    assert satellite.core.phase is SatellitePhase.WAITING
    assert m.SwitchSlot(JARVIS) in satellite.handle(m.WakeWord(JARVIS, satellite.heard, "t2"))


def saying_to_the_bridge(*inputs: m.Input) -> CoreSimulation:
    """Return a satellite that only the bridge conducts, while a command is spoken."""
    return saying_to_nobody(m.ConductorJoined(m.BRIDGE_SLOT), *inputs)


def test_what_is_said_while_only_the_bridge_is_there_goes_to_the_bridge() -> None:
    satellite = saying_to_the_bridge()
    assert satellite.take_types(m.BRIDGE_SLOT) == ["detection", "run-pipeline", "audio-chunk"]
    satellite.handle(m.VoiceStopped(2000), m.VadProgress(2900))
    assert satellite.take_types(m.BRIDGE_SLOT) == ["audio-stop"]
    answer = (m.ReplyAudioStarted(), m.ReplyAudioReceived(b"ab"), m.ReplyAudioEnded())
    effects = satellite.handle(*(m.ConductorMessage(m.BRIDGE_SLOT, part) for part in answer))
    assert m.PlayAudio(b"ab") in effects
    assert satellite.core.phase is SatellitePhase.WAITING


@pytest.mark.parametrize("word", ["okay_nabu", JARVIS])
def test_the_bridge_gets_only_what_has_no_conductor_of_its_own(word: str) -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined(m.BRIDGE_SLOT), m.ConductorJoined())
    effects = satellite.handle(m.WakeWord(word, 0, "t1"))
    assert (m.SwitchSlot(m.BRIDGE_SLOT) in effects) is (word == JARVIS)
    assert satellite.core.phase is SatellitePhase.STREAMING


def test_the_bridge_gets_nothing_while_a_conductor_has_paused() -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined(m.BRIDGE_SLOT), m.ConductorPaused())
    assert satellite.core.phase is SatellitePhase.PAUSED
    assert satellite.wake() == []


def test_without_the_bridge_the_satellite_says_that_nobody_can_be_reached() -> None:
    satellite = CoreSimulation()
    satellite.handle(m.ConductorJoined(m.BRIDGE_SLOT), m.ConductorLeft(m.BRIDGE_SLOT))
    assert satellite.wake() == [m.PlayCue(m.Cue.UNREACHABLE)]


def test_a_bridge_that_goes_before_it_answers_leaves_a_word() -> None:
    satellite = saying_to_the_bridge()
    satellite.handle(m.VoiceStopped(2000), m.VadProgress(2900))
    effects = satellite.handle(m.ConductorLeft(m.BRIDGE_SLOT))
    assert effects == [m.PlayCue(m.Cue.LOST), m.ReportPhase(SatellitePhase.OFFLINE)]


@pytest.mark.parametrize(
    ("ends", "cue"),
    [
        (m.VadProgress(1000 + EndpointingRules().no_speech_ms), m.Cue.NOTHING),
        (m.MuteRequested(muted=True), m.Cue.MUTE),
    ],
    ids=["nobody speaks", "muted"],
)
def test_the_bridge_is_not_sent_what_is_not_meant_for_it(ends: m.Input, cue: m.Cue) -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined(m.BRIDGE_SLOT))
    satellite.push_audio(16_000)
    satellite.wake(16_000)
    effects = satellite.handle(ends)
    assert effects == [m.DiscardRun(), m.PlayCue(cue), m.ReportPhase(SatellitePhase.WAITING)]
    assert "audio-stop" not in satellite.take_types(m.BRIDGE_SLOT)


@pytest.mark.parametrize(
    "before",
    [
        [m.ConductorLeft()],
        [m.ConductorLeft(), m.ConductorJoined(JARVIS)],
        [m.ListenRequested()],
        [m.ListenRequested(), m.SpeechEnded()],
        [m.ReplyAudioStarted()],
        [m.TimerFinished()],
        [m.MuteRequested(muted=True)],
        [m.StoredRunAvailable(None)],
    ],
    ids=["nobody", "another", "listening", "thinking", "speaking", "ringing", "muted", "one is sent already"],
)
def test_a_kept_run_waits_while_anything_else_goes_on(before: list[m.Input]) -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined(), *before)
    assert satellite.handle(m.StoredRunAvailable("okay_nabu")) == []


@pytest.mark.parametrize(
    ("after", "answered"),
    [
        (m.TranscriptReceived(), True),
        (m.RunFailed("stt-no-text-recognized"), True),
        (m.ReplyAudioStarted(), True),
        (m.ConductorLeft(), False),
        (m.ListenRequested(), False),
        (m.DeadlineReached(), False),
    ],
    ids=["transcript", "error", "sound", "gone", "interrupted", "silent"],
)
def test_a_kept_run_is_done_with_when_it_was_answered(after: m.Input, answered: bool) -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined())
    assert satellite.handle(m.StoredRunAvailable("okay_nabu")) == [
        m.SendStoredRun(),
        m.ReportPhase(SatellitePhase.THINKING),
    ]
    assert satellite.handle(m.SpeechEnded(), m.ConductorLeft(JARVIS)) == []
    satellite.now = satellite.core.deadline or 0
    effects = satellite.handle(after)
    assert [effect for effect in effects if isinstance(effect, m.StoredRunSettled)] == [m.StoredRunSettled(answered)]
    assert m.PlayCue(m.Cue.LOST) not in effects  # nobody in the room waits for this answer


def test_a_kept_run_goes_to_its_words_conductor() -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(m.ConductorJoined(), m.ConductorJoined(JARVIS))
    assert satellite.handle(m.StoredRunAvailable(JARVIS))[:2] == [m.SwitchSlot(JARVIS), m.SendStoredRun()]
    assert satellite.handle(m.ConductorMessage(m.MAIN_SLOT, m.TranscriptReceived())) == []


INPUTS = st.one_of(
    PARTS,
    st.sampled_from([m.RunStored(), m.RunLost(), m.StoredRunAvailable(None), m.StoredRunAvailable(JARVIS)]),
    st.sampled_from(
        [
            m.TimerFinished(),
            m.DeadlineReached(),
            m.ListenRequested(),
            m.StopWord(),
            m.StopRequested(),
            m.MicrophoneLost(),
        ]
    ),
    st.builds(m.ConductorJoined, SEATS),
    st.builds(m.ConductorPaused, SEATS),
    st.builds(m.ConductorLeft, SEATS),
    st.builds(m.ConductorMessage, SEATS, PARTS),
    st.builds(m.MuteRequested, st.booleans()),
    st.builds(m.VoiceStarted, st.integers(0, 9000)),
    st.builds(m.VoiceStopped, st.integers(0, 9000)),
    st.builds(m.NoiseStarted, st.integers(0, 9000)),
    st.builds(m.NoiseStopped, st.integers(0, 9000)),
    st.builds(m.VadProgress, st.integers(0, 9000)),
    st.builds(m.MicAudio, st.binary(max_size=8).map(lambda pcm: pcm[: len(pcm) // 2 * 2])),
    st.builds(m.WakeWord, st.sampled_from(["alexa", JARVIS]), st.integers(-10, 100), st.just("t")),
    st.builds(m.ReplyAudioPlayed, st.integers(0, 5)),
)
STEPS = st.lists(st.tuples(INPUTS, st.floats(0, 50)), max_size=60)


@given(STEPS)
def test_any_order_of_inputs_leaves_a_legal_phase(steps: list[tuple[m.Input, float]]) -> None:
    core, now = SatelliteCore(KEEPS), 0.0
    for given_input, passed in steps:
        now += passed
        before = core.phase
        effects = core.handle(given_input, now)
        assert (m.ReportPhase(core.phase) in effects) == (core.phase is not before)
        assert core.phase not in IDLE_PHASES or core.is_ringing or core.deadline is None
        assert core.phase not in (SatellitePhase.STREAMING, SatellitePhase.THINKING) or core.deadline is not None


@given(STEPS)
def test_the_microphone_is_sent_only_while_a_run_is_open(steps: list[tuple[m.Input, float]]) -> None:
    core, now, run_is_open = SatelliteCore(KEEPS), 0.0, False
    for given_input, passed in steps:
        now += passed
        for effect in core.handle(given_input, now):
            run_is_open = run_is_open or isinstance(effect, m.RequestRun)
            assert run_is_open or not isinstance(effect, m.SendAudio)
        run_is_open = run_is_open and core.phase is SatellitePhase.STREAMING
        assert run_is_open == (core.phase is SatellitePhase.STREAMING)


@given(STEPS)
def test_it_returns_to_waiting_by_itself(steps: list[tuple[m.Input, float]]) -> None:
    satellite, joined, paused = CoreSimulation(KEEPS), set[str](), set[str]()
    for given_input, passed in steps:
        satellite.now += passed
        satellite.handle(given_input)
        follow(joined, given_input)
        follow_pauses(paused, given_input)
    for _ in range(8 + satellite.core.options.timer_rings):
        satellite.now = max(satellite.now, satellite.core.deadline or 0)
        satellite.handle(m.DeadlineReached())
    waits = joined - {m.BRIDGE_SLOT} or (joined and not paused)
    expected = SatellitePhase.WAITING if waits else SatellitePhase.PAUSED if paused else SatellitePhase.OFFLINE
    assert satellite.core.phase is expected


@given(STEPS, SEATS, PARTS)
def test_a_conductor_changes_nothing_in_the_run_of_another(
    steps: list[tuple[m.Input, float]], slot: str, part: m.ConductorInput
) -> None:
    satellite = CoreSimulation(KEEPS)
    satellite.handle(*(given_input for given_input, _ in steps))
    assume(not satellite.core.accepts_from(slot))
    before = copy.copy(satellite.core)
    refusal = [m.RejectAudio(slot)] if part == m.ReplyAudioStarted() else []
    assert satellite.handle(m.ConductorMessage(slot, part)) == refusal
    assert satellite.core == before


@given(STEPS)
def test_a_run_is_only_asked_of_a_conductor_who_is_there(steps: list[tuple[m.Input, float]]) -> None:
    core, turned_to, joined = SatelliteCore(KEEPS), m.MAIN_SLOT, {m.OFFLINE_SLOT}
    for given_input, _ in steps:
        follow(joined, given_input)
        if isinstance(given_input, m.ConductorMessage) and given_input.slot not in joined:
            continue
        for effect in core.handle(given_input, 0):
            turned_to = effect.slot if isinstance(effect, m.SwitchSlot) else turned_to
            assert turned_to in joined or not isinstance(effect, RUN_EFFECTS)


@given(STEPS)
def test_every_kept_run_that_is_sent_is_settled_before_the_next(steps: list[tuple[m.Input, float]]) -> None:
    core, now, sent = SatelliteCore(KEEPS), 0.0, 0
    for given_input, passed in steps:
        now += passed
        effects = core.handle(given_input, now)
        settled = sum(isinstance(effect, m.StoredRunSettled) for effect in effects)
        assert settled <= sent
        sent += m.SendStoredRun() in effects
        sent -= settled
        assert sent == (1 if core._is_stored_run else 0)
        assert not sent or core.phase is SatellitePhase.THINKING


RUN_EFFECTS = (m.RequestRun, m.SendAudio, m.ReportWakeWord, m.SendStoredRun)


def follow(joined: set[str], given_input: m.Input) -> None:
    """Note who conducts after an input."""
    match given_input:
        case m.ConductorJoined(slot):
            joined.add(slot)
        case m.ConductorLeft(slot) | m.ConductorPaused(slot):
            joined.discard(slot)


def follow_pauses(paused: set[str], given_input: m.Input) -> None:
    """Note whose conductor is paused after an input."""
    match given_input:
        case m.ConductorPaused(slot):
            paused.add(slot)
        case m.ConductorJoined(slot) | m.ConductorLeft(slot):
            paused.discard(slot)


@pytest.mark.parametrize(
    ("inputs", "can_be_stopped"),
    [
        ([], False),
        ([m.ReplyAudioStarted()], True),
        ([m.ReplyAudioStarted(), m.StopWord()], False),
        ([m.TimerFinished()], True),
        ([m.TimerFinished(), m.MuteRequested(muted=True)], False),
        ([m.WakeWord("okay_nabu", 0, "t"), m.TimerFinished()], False),
    ],
    ids=["it waits", "it speaks", "it was stopped", "it rings", "it is muted", "somebody speaks to it"],
)
def test_a_satellite_can_be_stopped_while_it_is_heard(
    satellite: CoreSimulation, inputs: list[m.Input], can_be_stopped: bool
) -> None:
    satellite.handle(*inputs)
    assert satellite.core.can_be_stopped is can_be_stopped
