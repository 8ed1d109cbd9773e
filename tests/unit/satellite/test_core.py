"""The rules of a satellite: dialogues as data, single rules, and any order of inputs."""

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
    Conducts,
    Dialogue,
    Says,
    Tells,
    without_repeated_chunks,
)
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.core import (
    AT_REST,
    LONGEST_COMMAND_SECONDS,
    LONGEST_THOUGHT_SECONDS,
    PAUSED_BEFORE_LEAVING_SECONDS,
    RELIABLE_SAMPLES,
    RING_SAMPLES,
    SILENT_RUN_SECONDS,
    STALLED_SOUND_SECONDS,
    Habits,
    SatelliteCore,
)
from wyoming_rosie_satellite.events import event_of, input_of
from wyoming_rosie_satellite.messages import Phase

FRAME = 320  # samples


def microphone(first: int, samples: int) -> bytes:
    """Audio in which each sample says which one it is."""
    return b"".join((place % 65_536).to_bytes(2, "little") for place in range(first, first + samples))


class Rehearsal:
    """A core whose speaker plays without taking time, and what it told the conductors."""

    def __init__(self, habits: Habits | None = None) -> None:
        self.core = SatelliteCore(habits or Habits())
        self.now = 100.0
        self.heard = 0  # samples
        self.told: list[Event] = []  # to anybody
        self._turned_to = m.MAIN
        self._told: defaultdict[str, list[str]] = defaultdict(list)  # types by seat, since somebody asked
        self._last_told: defaultdict[str, str] = defaultdict(str)

    def take(self, *inputs: m.Input) -> list[m.Effect]:
        """Give inputs to the core; afterwards the speaker has played what it got."""
        effects = [effect for one in inputs for effect in self.core.handle(one, self.now)]
        for effect in effects:
            self._note(effect)
        played = [m.SoundPlayed(effect.sound) for effect in effects if isinstance(effect, m.FinishSound)]
        return effects + (self.take(*played) if played else [])

    def hear(self, samples: int = FRAME) -> list[m.Effect]:
        pcm = microphone(self.heard, samples)
        self.heard += samples
        return self.take(m.MicAudio(pcm))

    def wake(self, sample: int | None = None) -> list[m.Effect]:
        return self.take(m.WakeWord("okay_nabu", self.heard if sample is None else sample, "t1", 0.9))

    def perform(self, dialogue: Dialogue) -> None:
        for step in dialogue:
            match step:
                case Says(word):
                    self.hear(16_000)
                    self.take(m.WakeWord(word, self.heard - 1000, "t1", 0.9))
                    self.hear()
                case Conducts(events, seat):
                    self.take(*(one for event in events for one in inputs_of(event, seat)))
                    self.hear()
                case Tells(types, seat):
                    assert self.types_told(seat) == list(types)

    def types_told(self, seat: str) -> list[str]:
        types, last = self._told.pop(seat, []), self._last_told[seat]
        self._last_told[seat] = (types or [last])[-1]
        return without_repeated_chunks(types, last)

    def _note(self, effect: m.Effect) -> None:
        match effect:
            case m.TurnTo(seat):
                self._turned_to = seat
            case m.RefuseSound(seat):
                self._told[seat].append("error")
            case _ if isinstance(effect, m.ToConductor):
                self.told.append(event_of(effect))
                self._told[self._turned_to].append(self.told[-1].type)


def inputs_of(event: Event, seat: str) -> list[m.Input]:
    match event.type:
        case "run-satellite":
            return [m.ConductorJoined(seat)]
        case "pause-satellite":
            return [m.ConductorPaused(seat)]
        case "audio-start":
            return [m.Said(seat, m.SoundStarted())]
        case "audio-chunk":
            return [m.Said(seat, m.SoundReceived(event.payload or b""))]
        case "audio-stop":
            return [m.Said(seat, m.SoundEnded())]
    known = input_of(event)
    return [] if known is None else [m.Said(seat, known)]


@pytest.fixture
def satellite() -> Rehearsal:
    rehearsal = Rehearsal()
    rehearsal.take(m.ConductorJoined())
    return rehearsal


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=list(DIALOGUES))
def test_dialogue(dialogue: Dialogue) -> None:
    Rehearsal().perform(dialogue)


@pytest.mark.parametrize("dialogue", DIALOGUES_OF_TWO.values(), ids=list(DIALOGUES_OF_TWO))
def test_dialogue_with_two_conductors(dialogue: Dialogue) -> None:
    Rehearsal(Habits(seats={JARVIS})).perform(dialogue)


def sent(effects: list[m.Effect]) -> bytes:
    return b"".join(effect.pcm for effect in effects if isinstance(effect, m.SendAudio))


@given(
    frames=st.lists(st.integers(1, 2000), max_size=30),
    back=st.integers(0, RING_SAMPLES - 2000),
    after=st.integers(1, 2000),
)
def test_audio_is_sent_from_the_detections_own_sample_on(frames: list[int], back: int, after: int) -> None:
    satellite = Rehearsal()
    satellite.take(m.ConductorJoined())
    for samples in frames:
        satellite.hear(samples)
    sample = max(0, satellite.heard - back)
    effects = satellite.wake(sample) + satellite.hear(after)
    assert sent(effects) == microphone(sample, satellite.heard - sample)


def test_nothing_said_before_the_detection_is_sent(satellite: Rehearsal) -> None:
    for _ in range(50):
        satellite.hear()
    (chunk, *_) = [effect for effect in satellite.wake(15_000) if isinstance(effect, m.SendAudio)]
    assert chunk.pcm == microphone(15_000, FRAME - 15_000 % FRAME)
    assert chunk.milliseconds == 15_000 // 16


def test_detection_is_told_before_the_run_and_the_run_before_its_audio(satellite: Rehearsal) -> None:
    satellite.hear()
    assert [type(effect) for effect in satellite.wake(100)] == [
        m.Silence, m.ReportWakeWord, m.AskForRun, m.SendAudio, m.PlayCue, m.ShowPhase,
    ]  # fmt: skip


def test_a_command_without_end_is_ended_by_the_satellite(satellite: Rehearsal) -> None:
    satellite.wake()
    satellite.now += LONGEST_COMMAND_SECONDS
    assert m.StopAudio() in satellite.take(m.Tick())
    assert satellite.core.phase is Phase.THINKING


def test_an_answer_that_never_comes_is_not_waited_for(satellite: Rehearsal) -> None:
    satellite.wake()
    satellite.take(m.SpeechEnded())
    satellite.now += LONGEST_THOUGHT_SECONDS
    satellite.take(m.Tick())
    assert satellite.core.phase is Phase.WAITING


def understood_in_silence(satellite: Rehearsal) -> None:
    """Let a run be understood by a conductor that does not say when it is over, and nothing follow."""
    satellite.wake()
    satellite.take(m.Understood(tells_end=False))
    satellite.now += SILENT_RUN_SECONDS
    satellite.take(m.Tick())


def test_a_run_without_an_answer_is_over_soon(satellite: Rehearsal) -> None:
    understood_in_silence(satellite)
    assert satellite.core.phase is Phase.WAITING


def test_a_conductor_that_says_when_a_run_is_over_is_waited_for(satellite: Rehearsal) -> None:
    satellite.wake()
    satellite.take(m.Understood(tells_end=True))
    satellite.now += SILENT_RUN_SECONDS
    satellite.take(m.Tick())
    assert satellite.core.phase is Phase.THINKING


def test_an_answer_that_comes_later_than_most_is_heard_and_its_question_listened_for(satellite: Rehearsal) -> None:
    understood_in_silence(satellite)
    effects = satellite.take(m.AnswerTold("Which lamp?"), m.SoundStarted(), m.SoundReceived(b"ab"), m.SoundEnded())
    assert m.AskForRun(None) in effects


def test_a_failure_that_comes_later_than_most_is_heard_once(satellite: Rehearsal) -> None:
    understood_in_silence(satellite)
    assert satellite.take(m.RunFailed("timeout")) == [m.PlayCue(m.Cue.ERROR)]
    assert satellite.take(m.RunFailed("timeout")) == []


def test_a_question_that_nobody_waits_for_any_more_is_only_spoken(satellite: Rehearsal) -> None:
    understood_in_silence(satellite)
    satellite.now += LONGEST_THOUGHT_SECONDS
    effects = satellite.take(m.AnswerTold("Who?"), m.SoundStarted(), m.SoundReceived(b"ab"), m.SoundEnded())
    assert m.AskForRun(None) not in effects


@pytest.mark.parametrize(
    "wanted", [m.WakeWord("okay_nabu", 0, "t"), m.ListeningAsked()], ids=["by a word", "by a button"]
)
def test_what_is_paused_is_silent(satellite: Rehearsal, wanted: m.Input) -> None:
    assert satellite.take(m.ConductorPaused()) == [m.ShowPhase(Phase.PAUSED)]
    assert satellite.take(wanted) == []
    assert satellite.take(m.ConductorLeft()) == [m.ShowPhase(Phase.OFFLINE)]
    assert satellite.take(wanted) == [m.PlayCue(m.Cue.UNREACHABLE)]


def test_a_pause_keeps_nothing_for_later() -> None:
    satellite = Rehearsal(KEEPS)
    satellite.take(m.ConductorJoined(), m.ConductorPaused())
    assert satellite.wake() == []
    assert satellite.types_told(m.OUTBOX) == []


@pytest.mark.parametrize(
    ("before", "passed", "is_told"),
    [
        ([], 0.0, False),
        ([m.ListeningAsked()], 0.1, True),
        ([m.ListeningAsked(), m.SpeechEnded()], 0.1, True),
        ([m.ListeningAsked()], PAUSED_BEFORE_LEAVING_SECONDS, False),
    ],
    ids=["waiting", "listening", "thinking", "muted long before"],
)
def test_a_conductor_that_pauses_because_it_shuts_down_is_lost(
    satellite: Rehearsal, before: list[m.Input], passed: float, is_told: bool
) -> None:
    satellite.take(*before)
    assert satellite.take(m.ConductorPaused()) == [m.ShowPhase(Phase.PAUSED)]
    satellite.now += passed
    assert (m.PlayCue(m.Cue.LOST) in satellite.take(m.ConductorLeft())) == is_told


def test_what_is_announced_while_muted_is_played_and_not_listened_after(satellite: Rehearsal) -> None:
    satellite.take(m.MuteAsked(muted=True))
    effects = satellite.take(m.SoundStarted(), m.ListenAgainAsked(), m.SoundReceived(b"ab"), m.SoundEnded())
    assert m.Play(b"ab") in effects
    assert effects[-2:] == [m.SayPlayed(), m.ShowPhase(Phase.WAITING)]
    satellite.take(m.MuteAsked(muted=False))
    assert m.SayPlayed() in (effects := satellite.take(m.SoundStarted(), m.SoundEnded()))
    assert m.AskForRun(None) not in effects


def test_a_sound_whose_end_never_comes_is_over_at_its_deadline(satellite: Rehearsal) -> None:
    satellite.take(m.SoundStarted(), m.SoundReceived(b"ab"))
    satellite.now += STALLED_SOUND_SECONDS
    assert m.SayPlayed() in satellite.take(m.Tick())


def test_an_early_tick_changes_nothing(satellite: Rehearsal) -> None:
    satellite.wake()
    assert satellite.take(m.Tick()) == []


def test_sound_played_before_a_newer_sound_is_not_reported() -> None:
    core = SatelliteCore(phase=Phase.WAITING)
    for one in (m.SoundStarted(), m.SoundEnded(), m.SoundStarted(), m.SoundEnded()):
        core.handle(one, 0)
    assert core.handle(m.SoundPlayed(1), 0) == []
    assert m.SayPlayed() in core.handle(m.SoundPlayed(2), 0)


def test_a_wake_word_silences_an_answer_and_its_rest_is_not_played(satellite: Rehearsal) -> None:
    satellite.take(m.SoundStarted(), m.SoundReceived(b"ab"))
    assert satellite.wake()[:2] == [m.Silence(), m.SayPlayed()]
    assert satellite.take(m.SoundReceived(b"cd"), m.SoundEnded()) == []


def test_what_was_received_is_heard_when_the_conductor_leaves_in_the_middle(satellite: Rehearsal) -> None:
    satellite.take(m.SoundStarted(), m.SoundReceived(b"ab"))
    effects = satellite.take(m.ConductorLeft())
    assert effects == [m.FinishSound(1), m.PlayCue(m.Cue.LOST), m.ShowPhase(Phase.OFFLINE)]


@pytest.mark.parametrize(
    ("before", "is_told"),
    [
        ([], False),
        ([m.ListeningAsked()], True),
        ([m.ListeningAsked(), m.SpeechEnded()], True),
        ([m.SoundStarted(), m.SoundEnded()], False),
    ],
    ids=["waiting", "listening", "thinking", "all of the answer is there"],
)
def test_who_waits_for_an_answer_is_told_that_the_conductor_is_gone(
    satellite: Rehearsal, before: list[m.Input], is_told: bool
) -> None:
    satellite.take(*before)
    assert (m.PlayCue(m.Cue.LOST) in satellite.take(m.ConductorLeft())) == is_told


def test_an_answer_whose_rest_does_not_come_is_spoken_about(satellite: Rehearsal) -> None:
    satellite.take(m.SoundStarted(), m.SoundReceived(b"ab"))
    satellite.now = satellite.core.deadline or 0
    assert satellite.take(m.Tick())[:2] == [m.FinishSound(1), m.PlayCue(m.Cue.LOST)]


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
def test_only_what_failed_is_called_a_failure(satellite: Rehearsal, code: str, cues: list[m.Effect]) -> None:
    satellite.wake()
    assert satellite.take(m.RunFailed(code)) == [*cues, m.ShowPhase(Phase.WAITING)]


def test_a_microphone_that_fails_is_spoken_about_once_until_it_has_worked_for_a_while(satellite: Rehearsal) -> None:
    told = [m.PlayCue(m.Cue.DEAF)]
    assert satellite.take(m.MicrophoneLost()) == told
    assert satellite.take(m.MicrophoneLost()) == []
    one_second = m.MicAudio(bytes(2 * RELIABLE_SAMPLES // 60))
    satellite.take(*[one_second] * 59)
    assert satellite.take(m.MicrophoneLost()) == []
    satellite.take(*[one_second] * 60)
    assert satellite.take(m.MicrophoneLost()) == told


def test_a_timer_rings_at_once_unless_somebody_is_listened_to(satellite: Rehearsal) -> None:
    assert satellite.take(m.TimerFinished()) == [m.PlayCue(m.Cue.TIMER)]
    satellite.wake()
    assert satellite.take(m.TimerFinished()) == []
    assert m.PlayCue(m.Cue.TIMER) in satellite.take(m.SpeechEnded())


def test_the_answer_cuts_a_filler_off_and_nothing_cuts_the_answer() -> None:
    core = SatelliteCore(phase=Phase.WAITING)
    for one in (m.FillerAnnounced(), m.SoundStarted(), m.SoundReceived(b"ab"), m.SoundEnded()):
        core.handle(one, 0)
    assert core.handle(m.SoundStarted(), 0) == [m.Silence()]
    core.handle(m.SoundEnded(), 0)
    assert core.handle(m.SoundStarted(), 0) == []


def test_a_filler_that_was_heard_is_no_answer_yet(satellite: Rehearsal) -> None:
    satellite.wake()
    filler = satellite.take(m.SpeechEnded(), m.FillerAnnounced(), m.SoundStarted(), m.SoundEnded())
    assert filler[-1] == m.ShowPhase(Phase.THINKING)
    answer = satellite.take(m.SoundStarted(), m.SoundEnded())
    assert answer[-2:] == [m.SayPlayed(), m.ShowPhase(Phase.WAITING)]


def test_an_answer_that_fails_while_a_filler_is_heard_is_over(satellite: Rehearsal) -> None:
    satellite.wake()
    satellite.take(m.SpeechEnded(), m.FillerAnnounced(), m.SoundStarted())
    assert satellite.take(m.RunFailed()) == [m.PlayCue(m.Cue.ERROR), m.ShowPhase(Phase.WAITING)]


def test_who_holds_the_button_may_pause() -> None:
    satellite = Rehearsal(Habits(ends=EndpointingRules()))
    satellite.take(m.ConductorJoined(), m.ListeningAsked(held=True))
    satellite.take(m.VoiceStarted(100), m.VoiceStopped(500), m.VoicesHeard(20_000))
    assert satellite.core.phase is Phase.STREAMING
    let_go = satellite.take(m.StopAsked())
    assert m.StopAudio() in let_go
    assert m.ShowPhase(Phase.THINKING) in let_go


def test_a_failed_question_is_not_listened_for(satellite: Rehearsal) -> None:
    satellite.wake()
    satellite.take(m.SpeechEnded(), m.ListenAgainAsked(), m.RunFailed())
    satellite.take(m.SoundStarted(), m.SoundEnded())
    assert satellite.core.phase is Phase.WAITING


def test_a_word_may_ask_for_a_pipeline_of_its_own(satellite: Rehearsal) -> None:
    satellite.core.habits = Habits(pipelines={"okay_nabu": "Kitchen"})
    assert m.AskForRun("okay_nabu", "Kitchen") in satellite.wake()
    (asked,) = [event for event in satellite.told if event.type == "run-pipeline"]
    assert asked.data["name"] == "Kitchen"


def test_a_word_stops_an_answer_and_is_no_beginning(satellite: Rehearsal) -> None:
    satellite.wake()
    satellite.take(m.SpeechEnded(), m.SoundStarted(), m.SoundReceived(b"ab"))
    assert satellite.take(m.StopWord()) == [m.Silence(), m.SayPlayed(), m.ShowPhase(Phase.WAITING)]
    assert satellite.take(m.SoundReceived(b"ab"), m.SoundEnded()) == []
    assert satellite.take(m.StopWord()) == []


def test_a_button_begins_to_listen_and_ends_what_is_being_done(satellite: Rehearsal) -> None:
    began = satellite.take(m.ListeningAsked())
    assert began == [m.Silence(), m.AskForRun(None), m.PlayCue(m.Cue.AWAKE), m.ShowPhase(Phase.STREAMING)]
    assert satellite.take(m.ListeningAsked()) == []
    assert m.StopAudio() in satellite.take(m.StopAsked())
    assert satellite.core.phase is Phase.THINKING


def test_what_is_muted_hears_and_sends_nothing(satellite: Rehearsal) -> None:
    satellite.take(m.ListeningAsked())
    assert satellite.take(m.MuteAsked(muted=True))[0] == m.StopAudio()
    satellite.take(m.RunFailed())
    assert satellite.take(m.MicAudio(b"ab" * 160), m.ListeningAsked(), m.MuteAsked(muted=True)) == []
    assert satellite.wake() == []
    assert satellite.take(m.MuteAsked(muted=False)) == [m.PlayCue(m.Cue.UNMUTE)]
    satellite.wake()
    assert satellite.core.phase is Phase.STREAMING


def test_who_wakes_it_without_a_conductor_is_told_so() -> None:
    core = SatelliteCore()
    assert core.handle(m.WakeWord("alexa", 0, "t"), 0) == [m.PlayCue(m.Cue.UNREACHABLE)]
    assert core.handle(m.ListeningAsked(), 0) == [m.PlayCue(m.Cue.UNREACHABLE)]


@pytest.mark.parametrize(
    ("voices", "ends_ms"),
    [
        ([m.VoiceStarted(1300), m.VoiceStopped(2000)], 2900),
        ([m.VoiceStarted(1300)], 21_300),
        ([], 7000),
    ],
    ids=["silence after speech", "speech without end", "no speech"],
)
def test_a_command_is_over_when_the_rules_say_so(voices: list[m.Input], ends_ms: int) -> None:
    satellite = Rehearsal()
    satellite.core.habits = Habits(ends=EndpointingRules())
    satellite.take(m.ConductorJoined(), m.MicAudio(bytes(32_000)), m.ListeningAsked(), *voices)
    assert satellite.take(m.VoicesHeard(ends_ms - 10)) == []
    assert satellite.take(m.VoicesHeard(ends_ms))[0] == m.StopAudio()
    assert satellite.core.phase is Phase.THINKING
    assert satellite.take(m.VoicesHeard(ends_ms + 100)) == []


@pytest.mark.parametrize(
    ("text", "listens"), [("Which lamp?", True), ("Done.", False), ("Welche\uff1f ", True), ("? no", False)]
)
def test_an_answer_that_is_a_question_is_listened_for(satellite: Rehearsal, text: str, listens: bool) -> None:
    satellite.wake()
    satellite.take(m.SpeechEnded(), m.SoundStarted(), m.AnswerTold(text), m.SoundReceived(b"ab"))
    effects = satellite.take(m.SoundEnded())
    assert (m.AskForRun(None) in effects) == listens


def test_a_timer_rings_until_somebody_stops_it_or_it_has_rung_enough(satellite: Rehearsal) -> None:
    ring = m.PlayCue(m.Cue.TIMER)
    assert satellite.take(m.TimerFinished()) == [ring]
    satellite.now = satellite.core.deadline or 0
    assert satellite.take(m.Tick()) == [ring]
    assert satellite.take(m.StopWord()) == [m.Silence()]
    assert satellite.core.deadline is None
    satellite.take(m.TimerFinished())
    for rung in range(1, satellite.core.habits.rings):
        satellite.now = satellite.core.deadline or 0
        assert satellite.take(m.Tick()) == [ring], rung
    assert satellite.core.deadline is None


def test_a_button_ends_a_timer_that_rang_before_somebody_spoke(satellite: Rehearsal) -> None:
    satellite.take(m.ListeningAsked(), m.TimerFinished(), m.StopAsked())
    assert not satellite.core.is_ringing


def test_a_wake_word_stops_a_timer_and_is_listened_to(satellite: Rehearsal) -> None:
    satellite.take(m.TimerFinished())
    assert m.Silence() in satellite.wake()
    assert not satellite.core.is_ringing


def test_who_is_heard_by_nobody_is_told_so_even_while_the_other_answers() -> None:
    satellite = Rehearsal(Habits(seats={JARVIS}))
    satellite.take(m.ConductorJoined(), m.SoundStarted(), m.SoundReceived(b"ab"))
    effects = satellite.take(m.WakeWord(JARVIS, 0, "t"))
    assert effects == [m.Silence(), m.SayPlayed(), m.PlayCue(m.Cue.UNREACHABLE), m.ShowPhase(Phase.WAITING)]


@pytest.mark.parametrize(
    "before",
    [[m.ListeningAsked()], [m.ListeningAsked(), m.SpeechEnded()], [m.SoundStarted(), m.SoundReceived(b"ab")], []],
    ids=["listening", "thinking", "speaking", "waiting"],
)
def test_who_leaves_disturbs_nobody_else(before: list[m.Input]) -> None:
    satellite = Rehearsal(Habits(seats={JARVIS}))
    satellite.take(m.ConductorJoined(), m.ConductorJoined(JARVIS), *before)
    assert satellite.take(m.ConductorLeft(JARVIS)) == []


def test_the_button_is_the_main_conductors() -> None:
    satellite = Rehearsal(Habits(seats={JARVIS}))
    satellite.take(m.ConductorJoined(JARVIS))
    assert satellite.take(m.ListeningAsked()) == [m.PlayCue(m.Cue.UNREACHABLE)]
    satellite.take(m.ConductorJoined(), m.Said(JARVIS, m.SoundStarted()))
    assert satellite.take(m.ListeningAsked())[:4] == [m.Silence(), m.SayPlayed(), m.TurnTo(m.MAIN), m.AskForRun()]


SEATS = st.sampled_from([m.MAIN, JARVIS])
PARTS = st.sampled_from(
    [
        m.SpeechEnded(),
        m.Understood(),
        m.Understood(tells_end=False),
        m.RunFailed(),
        m.ListenAgainAsked(),
        m.FillerAnnounced(),
        m.SoundStarted(),
        m.SoundReceived(b"ab"),
        m.SoundEnded(),
        m.AnswerTold("Which one?"),
    ]
)
KEEPS = Habits(ends=EndpointingRules(), seats={JARVIS}, keeps_runs=True)


def saying_to_nobody(*inputs: m.Input) -> Rehearsal:
    """Return a satellite that nobody conducts, and that hears a command nevertheless."""
    satellite = Rehearsal(KEEPS)
    satellite.take(*inputs)
    satellite.hear(16_000)
    satellite.take(m.WakeWord("okay_nabu", 15_000, "t1"), m.VoiceStarted(1000))
    return satellite


def test_what_is_said_to_nobody_is_kept() -> None:
    satellite = saying_to_nobody()
    assert satellite.types_told(m.OUTBOX) == ["detection", "run-pipeline", "audio-chunk"]
    assert satellite.core.phase is Phase.STREAMING
    effects = satellite.take(m.VoiceStopped(2000), m.VoicesHeard(2900))
    assert effects == [m.StopAudio(), m.PlayCue(m.Cue.DONE), m.ShowPhase(Phase.THINKING)]
    assert satellite.take(m.RunKept()) == [m.PlayCue(m.Cue.KEPT), m.ShowPhase(Phase.OFFLINE)]
    assert satellite.types_told(m.OUTBOX) == ["audio-stop"]


def test_what_cannot_be_kept_is_a_failure() -> None:
    satellite = saying_to_nobody()
    satellite.take(m.StopAsked())
    assert satellite.take(m.RunLost()) == [m.PlayCue(m.Cue.ERROR), m.ShowPhase(Phase.OFFLINE)]


def test_a_disk_that_never_answers_is_not_waited_for() -> None:
    satellite = saying_to_nobody()
    satellite.take(m.StopAsked())
    satellite.now = satellite.core.deadline or 0
    assert satellite.take(m.Tick()) == [m.ShowPhase(Phase.OFFLINE)]
    assert satellite.take(m.RunKept()) == []


def test_nobody_speaking_is_nothing_to_keep() -> None:
    satellite = Rehearsal(KEEPS)
    satellite.hear(16_000)
    satellite.wake(16_000)
    effects = satellite.take(m.VoicesHeard(1000 + EndpointingRules().no_speech_ms))
    assert effects == [m.ForgetRun(), m.PlayCue(m.Cue.UNREACHABLE), m.ShowPhase(Phase.OFFLINE)]


def test_muting_forgets_what_is_being_said_and_keeps_nothing_more() -> None:
    satellite = saying_to_nobody()
    assert satellite.take(m.MuteAsked(muted=True))[0] == m.ForgetRun()
    assert satellite.core.phase is Phase.OFFLINE
    assert satellite.wake() == []


def test_a_conductor_that_comes_in_the_middle_gets_all_of_it() -> None:
    satellite = saying_to_nobody()
    assert satellite.take(m.ConductorJoined(JARVIS)) == []
    assert satellite.take(m.ConductorJoined()) == [m.HandOver(m.MAIN), m.TurnTo(m.MAIN)]
    satellite.hear()
    satellite.take(m.VoiceStopped(2000), m.VoicesHeard(2900))
    assert satellite.types_told(m.MAIN) == ["audio-chunk", "audio-stop"]
    assert satellite.core.phase is Phase.THINKING


def test_a_word_is_kept_only_while_its_own_conductor_is_away() -> None:
    satellite = saying_to_nobody(m.ConductorJoined(JARVIS))
    assert satellite.types_told(m.OUTBOX)[0] == "detection"
    satellite.take(m.StopAsked(), m.RunKept())
    assert satellite.core.phase is Phase.WAITING
    assert m.TurnTo(JARVIS) in satellite.take(m.WakeWord(JARVIS, satellite.heard, "t2"))


@pytest.mark.parametrize(
    "before",
    [
        [m.ConductorLeft()],
        [m.ConductorLeft(), m.ConductorJoined(JARVIS)],
        [m.ListeningAsked()],
        [m.ListeningAsked(), m.SpeechEnded()],
        [m.SoundStarted()],
        [m.TimerFinished()],
        [m.MuteAsked(muted=True)],
        [m.KeptRunWaits(None)],
    ],
    ids=["nobody", "another", "listening", "thinking", "speaking", "ringing", "muted", "one is sent already"],
)
def test_a_kept_run_waits_while_anything_else_goes_on(before: list[m.Input]) -> None:
    satellite = Rehearsal(KEEPS)
    satellite.take(m.ConductorJoined(), *before)
    assert satellite.take(m.KeptRunWaits("okay_nabu")) == []


@pytest.mark.parametrize(
    ("after", "answered"),
    [
        (m.Understood(), True),
        (m.RunFailed("stt-no-text-recognized"), True),
        (m.SoundStarted(), True),
        (m.ConductorLeft(), False),
        (m.ListeningAsked(), False),
        (m.Tick(), False),
    ],
    ids=["transcript", "error", "sound", "gone", "interrupted", "silent"],
)
def test_a_kept_run_is_done_with_when_it_was_answered(after: m.Input, answered: bool) -> None:
    satellite = Rehearsal(KEEPS)
    satellite.take(m.ConductorJoined())
    assert satellite.take(m.KeptRunWaits("okay_nabu")) == [m.SendKeptRun(), m.ShowPhase(Phase.THINKING)]
    assert satellite.take(m.SpeechEnded(), m.ConductorLeft(JARVIS)) == []
    satellite.now = satellite.core.deadline or 0
    effects = satellite.take(after)
    assert [effect for effect in effects if isinstance(effect, m.KeptRunSettled)] == [m.KeptRunSettled(answered)]
    assert m.PlayCue(m.Cue.LOST) not in effects  # nobody in the room waits for this answer


def test_a_kept_run_goes_to_its_words_conductor() -> None:
    satellite = Rehearsal(KEEPS)
    satellite.take(m.ConductorJoined(), m.ConductorJoined(JARVIS))
    assert satellite.take(m.KeptRunWaits(JARVIS))[:2] == [m.TurnTo(JARVIS), m.SendKeptRun()]
    assert satellite.take(m.Said(m.MAIN, m.Understood())) == []


INPUTS = st.one_of(
    PARTS,
    st.sampled_from([m.RunKept(), m.RunLost(), m.KeptRunWaits(None), m.KeptRunWaits(JARVIS)]),
    st.sampled_from([m.TimerFinished(), m.Tick(), m.ListeningAsked(), m.StopWord(), m.StopAsked(), m.MicrophoneLost()]),
    st.builds(m.ConductorJoined, SEATS),
    st.builds(m.ConductorPaused, SEATS),
    st.builds(m.ConductorLeft, SEATS),
    st.builds(m.Said, SEATS, PARTS),
    st.builds(m.MuteAsked, st.booleans()),
    st.builds(m.VoiceStarted, st.integers(0, 9000)),
    st.builds(m.VoiceStopped, st.integers(0, 9000)),
    st.builds(m.VoicesHeard, st.integers(0, 9000)),
    st.builds(m.MicAudio, st.binary(max_size=8).map(lambda pcm: pcm[: len(pcm) // 2 * 2])),
    st.builds(m.WakeWord, st.sampled_from(["alexa", JARVIS]), st.integers(-10, 100), st.just("t")),
    st.builds(m.SoundPlayed, st.integers(0, 5)),
)
STEPS = st.lists(st.tuples(INPUTS, st.floats(0, 50)), max_size=60)


@given(STEPS)
def test_any_order_of_inputs_leaves_a_legal_phase(steps: list[tuple[m.Input, float]]) -> None:
    core, now = SatelliteCore(KEEPS), 0.0
    for given_input, passed in steps:
        now += passed
        before = core.phase
        effects = core.handle(given_input, now)
        assert (m.ShowPhase(core.phase) in effects) == (core.phase is not before)
        assert core.phase not in AT_REST or core.is_ringing or core.deadline is None
        assert core.phase not in (Phase.STREAMING, Phase.THINKING) or core.deadline is not None


@given(STEPS)
def test_the_microphone_is_sent_only_while_a_run_is_open(steps: list[tuple[m.Input, float]]) -> None:
    core, now, run_is_open = SatelliteCore(KEEPS), 0.0, False
    for given_input, passed in steps:
        now += passed
        for effect in core.handle(given_input, now):
            run_is_open = run_is_open or isinstance(effect, m.AskForRun)
            assert run_is_open or not isinstance(effect, m.SendAudio)
        run_is_open = run_is_open and core.phase is Phase.STREAMING
        assert run_is_open == (core.phase is Phase.STREAMING)


@given(STEPS)
def test_it_returns_to_waiting_by_itself(steps: list[tuple[m.Input, float]]) -> None:
    satellite, joined, paused = Rehearsal(KEEPS), set[str](), set[str]()
    for given_input, passed in steps:
        satellite.now += passed
        satellite.take(given_input)
        follow(joined, given_input)
        follow_pauses(paused, given_input)
    for _ in range(8 + satellite.core.habits.rings):
        satellite.now = max(satellite.now, satellite.core.deadline or 0)
        satellite.take(m.Tick())
    expected = Phase.WAITING if joined else Phase.PAUSED if paused else Phase.OFFLINE
    assert satellite.core.phase is expected


@given(STEPS, SEATS, PARTS)
def test_a_conductor_changes_nothing_in_the_run_of_another(
    steps: list[tuple[m.Input, float]], seat: str, part: m.Part
) -> None:
    satellite = Rehearsal(KEEPS)
    satellite.take(*(given_input for given_input, _ in steps))
    assume(not satellite.core.attends(seat))
    before = copy.copy(satellite.core)
    refusal = [m.RefuseSound(seat)] if part == m.SoundStarted() else []
    assert satellite.take(m.Said(seat, part)) == refusal
    assert satellite.core == before


@given(STEPS)
def test_a_run_is_only_asked_of_a_conductor_who_is_there(steps: list[tuple[m.Input, float]]) -> None:
    core, turned_to, joined = SatelliteCore(KEEPS), m.MAIN, {m.OUTBOX}
    for given_input, _ in steps:
        follow(joined, given_input)
        if isinstance(given_input, m.Said) and given_input.seat not in joined:
            continue
        for effect in core.handle(given_input, 0):
            turned_to = effect.seat if isinstance(effect, m.TurnTo) else turned_to
            assert turned_to in joined or not isinstance(effect, RUN_EFFECTS)


@given(STEPS)
def test_every_kept_run_that_is_sent_is_settled_before_the_next(steps: list[tuple[m.Input, float]]) -> None:
    core, now, sent = SatelliteCore(KEEPS), 0.0, 0
    for given_input, passed in steps:
        now += passed
        effects = core.handle(given_input, now)
        settled = sum(isinstance(effect, m.KeptRunSettled) for effect in effects)
        assert settled <= sent
        sent += m.SendKeptRun() in effects
        sent -= settled
        assert sent == (1 if core._is_kept else 0)
        assert not sent or core.phase is Phase.THINKING


RUN_EFFECTS = (m.AskForRun, m.SendAudio, m.ReportWakeWord, m.SendKeptRun)


def follow(joined: set[str], given_input: m.Input) -> None:
    """Note who conducts after an input."""
    match given_input:
        case m.ConductorJoined(seat):
            joined.add(seat)
        case m.ConductorLeft(seat) | m.ConductorPaused(seat):
            joined.discard(seat)


def follow_pauses(paused: set[str], given_input: m.Input) -> None:
    """Note whose conductor is paused after an input."""
    match given_input:
        case m.ConductorPaused(seat):
            paused.add(seat)
        case m.ConductorJoined(seat) | m.ConductorLeft(seat):
            paused.discard(seat)
