"""Turn rules: inputs at given times, and the effects that follow."""

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.timers.requests import SpokenAnswer
from wyoming_rosie.voice_activity.endpointing import Completeness, EndpointingRules
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.core import TurnCore, TurnPhase

TENTH = bytes(3200)  # 100 ms of silence


def kinds(effects: list[m.Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects if not isinstance(effect, m.TraceMark | m.SendToAsrAndVad)]


def steps(effects: list[m.Effect]) -> list[str]:
    return [effect.step.value for effect in effects if isinstance(effect, m.TraceMark)]


class TurnHarness:
    """Feeds inputs to a core and collects the effects; audio advances the clock."""

    def __init__(self, own_filler_seconds: float | None = None, ends: EndpointingRules | None = None) -> None:
        self.core = TurnCore(own_filler_seconds=own_filler_seconds, endpointing=ends or EndpointingRules())
        self.now = 100.0
        self.effects: list[m.Effect] = []

    def take(self, *inputs: m.Input) -> list[m.Effect]:
        new = [effect for given in inputs for effect in self.core.handle(given, self.now)]
        self.effects += new
        return new

    def hear(self, seconds: float) -> list[m.Effect]:
        new: list[m.Effect] = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            new += self.take(m.AudioReceived(TENTH))
        return new

    def wait(self, seconds: float) -> list[m.Effect]:
        self.now += seconds
        return self.take(m.TurnDeadlineReached())


def test_a_satellite_that_may_not_ask_is_told_so_and_nothing_is_passed_on() -> None:
    turn = TurnHarness()
    turn.core.may_ask = False
    assert turn.take(m.RunRequested("t0", needs_wake=True)) == []
    for begun in (m.RunRequested("t1", wake_word="okay_nabu"), m.TextReceived("t2", "turn on the light")):
        told = turn.take(begun)
        assert told[-1] == m.SpeakFailure(m.Failure.FORBIDDEN)
        assert "failed" in steps(told)
        assert turn.hear(1.0) == turn.take(m.AudioEnded(), m.WakeWordDetected("okay_nabu", 0)) == []
        turn.take(m.AnswerAudioSent(1.0), m.AnswerAudioEnded(), m.Played())
        assert turn.core.phase is TurnPhase.IDLE


def spoken(turn: TurnHarness) -> None:
    """A wake word, then a second of speech."""
    turn.take(m.RunRequested("t1", wake_word="okay_nabu"))
    turn.hear(0.5)
    turn.take(m.SpeechStarted(300))
    turn.hear(1.0)


def transcribed(turn: TurnHarness, text: str = "turn on the light") -> None:
    spoken(turn)
    turn.take(m.SpeechStopped(1300))
    turn.hear(1.0)
    turn.take(m.FinalTranscript(text))


def answered(turn: TurnHarness, answer: SpokenAnswer | None = None) -> None:
    transcribed(turn)
    turn.take(answer or SpokenAnswer("Done."))


def test_a_whole_turn_in_order() -> None:
    turn = TurnHarness()
    answered(turn)
    turn.take(m.AnswerAudioSent(0.5), m.AnswerAudioSent(0.5), m.AnswerAudioEnded())
    turn.now += 1
    turn.take(m.Played())
    assert kinds(turn.effects) == [
        "StartListening",
        "ReportSpeechStart",
        "StartSpeculation",
        "FinishListening",
        "RecognizeIntent",
        "SpeakAnswer",
    ]
    assert steps(turn.effects) == [
        "wake", "speech-start", "speech-end", "decided", "transcript", "intent", "first-audio", "done",
    ]  # fmt: skip
    assert turn.core.phase is TurnPhase.IDLE


def test_all_audio_of_a_command_is_sent_to_vad_and_asr() -> None:
    turn = TurnHarness()
    spoken(turn)
    assert sum(len(effect.pcm) for effect in turn.effects if isinstance(effect, m.SendToAsrAndVad)) == 15 * len(TENTH)


def test_only_long_silence_ends_the_utterance() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500))
    early = turn.hear(EndpointingRules.incomplete_ms / 1000 - 0.1)
    assert "FinishListening" not in kinds(early)
    assert "FinishListening" in kinds(turn.hear(0.1))


def test_resumed_speech_cancels_the_speculation_and_keeps_listening() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500))
    turn.hear(0.4)
    assert kinds(turn.take(m.SpeechStarted(1900))) == ["CancelSpeculation"]
    assert "FinishListening" not in kinds(turn.hear(2.0))
    assert turn.core.phase is TurnPhase.LISTENING


def test_asr_learns_where_speech_began_paused_and_resumed() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1400))
    turn.hear(0.4)
    turn.take(m.SpeechStarted(1900))
    boundaries = [
        effect
        for effect in turn.effects
        if isinstance(effect, m.ReportSpeechStart | m.StartSpeculation | m.CancelSpeculation)
    ]
    assert boundaries == [m.ReportSpeechStart(300), m.StartSpeculation(1400), m.CancelSpeculation(1900)]


def test_a_complete_speculation_ends_the_utterance_sooner() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500), m.SpeculationResult(Completeness.COMPLETE))
    assert "FinishListening" in kinds(turn.hear(EndpointingRules.complete_ms / 1000))


def test_a_pause_too_short_for_a_speculation_cancels_none() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500))
    turn.hear(0.1)
    assert kinds(turn.take(m.SpeechStarted(1600))) == []
    assert turn.core.phase is TurnPhase.LISTENING


def test_a_television_after_a_complete_command_does_not_keep_the_turn_open() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500), m.SpeculationPending(), m.SpeechStarted(1800))
    turn.take(m.SpeculationResult(Completeness.COMPLETE))
    assert "FinishListening" not in kinds(turn.hear(EndpointingRules.after_complete_ms / 1000 - 1.0))
    turn.hear(2.0)
    assert m.FinishListening(1500) in turn.effects


def test_endpointing_rules_are_configurable() -> None:
    turn = TurnHarness(ends=EndpointingRules(perhaps_ms=300, complete_ms=1500, incomplete_ms=2000))
    spoken(turn)
    turn.take(m.SpeechStopped(1500), m.SpeculationResult(Completeness.COMPLETE))
    assert kinds(turn.hear(0.2)) == []
    assert kinds(turn.hear(1.2)) == ["StartSpeculation"]
    assert kinds(turn.hear(0.1)) == ["FinishListening"]


def test_speech_end_is_traced_at_its_own_time_not_at_the_decision() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500))
    ended_at = turn.now
    marks = {
        effect.step: round(effect.at - ended_at, 3) for effect in turn.hear(1.0) if isinstance(effect, m.TraceMark)
    }
    assert marks == {m.TraceStep.SPEECH_END: 0, m.TraceStep.DECIDED: EndpointingRules.incomplete_ms / 1000}


def test_a_turn_without_speech_is_aborted_silently() -> None:
    turn = TurnHarness()
    turn.take(m.RunRequested("t1"))
    turn.hear(3)
    assert kinds(turn.wait(10)) == ["CloseDaemonStreams", "ReportError"]
    assert turn.core.phase is TurnPhase.IDLE


def test_audio_that_stalls_in_silence_ends_the_utterance() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.SpeechStopped(1500))
    assert kinds(turn.wait(5)) == ["FinishListening"]


def test_the_end_of_the_audio_ends_the_utterance() -> None:
    turn = TurnHarness()
    spoken(turn)
    assert kinds(turn.take(m.AudioEnded())) == ["FinishListening"]


def test_an_empty_transcript_is_answered_with_a_failure_phrase() -> None:
    turn = TurnHarness()
    transcribed(turn, "  ")
    assert turn.effects[-1] == m.SpeakFailure(m.Failure.NOT_UNDERSTOOD)


def test_the_failure_of_each_stage_is_spoken() -> None:
    for failure in (m.Failure.VAD, m.Failure.ASR, m.Failure.INTENT):
        turn = TurnHarness()
        spoken(turn)
        assert turn.take(m.StageFailed(failure))[-1] == m.SpeakFailure(failure)
        turn.take(m.AnswerAudioSent(1), m.AnswerAudioEnded(), m.Played())
        assert turn.core.phase is TurnPhase.IDLE


def test_a_second_tts_failure_aborts_the_turn() -> None:
    turn = TurnHarness()
    answered(turn)
    assert turn.take(m.StageFailed(m.Failure.TTS))[-1] == m.SpeakFailure(m.Failure.TTS)
    assert kinds(turn.take(m.StageFailed(m.Failure.TTS))) == ["CloseDaemonStreams", "ReportError"]


def test_silent_stages_fail_at_their_deadlines() -> None:
    turn = TurnHarness()
    spoken(turn)
    turn.take(m.AudioEnded())
    assert turn.wait(60)[-1] == m.SpeakFailure(m.Failure.ASR)
    turn = TurnHarness()
    transcribed(turn)
    assert turn.wait(60)[-1] == m.SpeakFailure(m.Failure.INTENT)
    turn = TurnHarness()
    answered(turn)
    assert turn.wait(60)[-1] == m.SpeakFailure(m.Failure.TTS)


def test_a_satellite_that_never_says_played_still_gets_its_next_turn() -> None:
    turn = TurnHarness()
    answered(turn)
    turn.take(m.AnswerAudioSent(1.0), m.AnswerAudioEnded())
    assert steps(turn.wait(60)) == ["done"]
    assert turn.core.phase is TurnPhase.IDLE


def test_a_wake_word_during_the_answer_interrupts_it() -> None:
    turn = TurnHarness()
    answered(turn)
    turn.take(m.AnswerAudioSent(5.0))
    assert kinds(turn.take(m.RunRequested("t2"))) == ["CloseDaemonStreams", "StartListening"]
    assert turn.core.phase is TurnPhase.LISTENING


def test_an_answer_that_expects_a_reply_continues_the_conversation() -> None:
    turn = TurnHarness()
    answered(turn, SpokenAnswer("Lock the door?", expects_reply=True))
    assert turn.effects[-1] == m.SpeakAnswer(SpokenAnswer("Lock the door?", expects_reply=True))
    turn.take(m.AnswerAudioSent(1), m.AnswerAudioEnded(), m.Played())
    follow_up = turn.take(m.RunRequested("t2"))
    assert m.StartListening("t2", "t1", None) in follow_up


def test_a_new_turn_starts_a_new_conversation() -> None:
    turn = TurnHarness()
    answered(turn)
    turn.take(m.AnswerAudioSent(1), m.AnswerAudioEnded(), m.Played())
    assert m.StartListening("t2", "t2", None) in turn.take(m.RunRequested("t2"))


def test_the_first_audio_of_the_answer_stops_the_filler() -> None:
    turn = TurnHarness()
    transcribed(turn)
    assert turn.take(m.FillerReceived("Checking the lights"))[-1] == m.SpeakFiller("Checking the lights")
    assert turn.core.phase is TurnPhase.SPEAKING_FILLER
    turn.take(SpokenAnswer("It is nine."))
    assert kinds(turn.take(m.AnswerAudioSent(0.2))) == ["StopFiller"]
    assert kinds(turn.take(m.AnswerAudioSent(0.2))) == []


def test_a_filler_is_spoken_once_and_never_after_the_answer() -> None:
    turn = TurnHarness(own_filler_seconds=0.7)
    transcribed(turn)
    turn.take(m.FillerReceived("Checking"))
    assert turn.take(m.FillerReceived("Still checking")) == []
    assert kinds(turn.wait(1)) == []
    turn.take(m.AnswerChunkReceived("It is "))
    assert turn.take(m.FillerReceived("Checking")) == []


def test_disabled_fillers_are_not_spoken() -> None:
    turn = TurnHarness()
    turn.core.fillers_enabled = False
    transcribed(turn)
    assert turn.take(m.FillerReceived("Checking")) == []


def test_the_hub_speaks_its_own_filler_when_configured() -> None:
    turn = TurnHarness(own_filler_seconds=0.7)
    transcribed(turn)
    assert turn.wait(1)[-1] == m.SpeakFiller()
    assert turn.core.phase is TurnPhase.SPEAKING_FILLER


def test_an_answer_is_spoken_while_it_is_generated() -> None:
    turn = TurnHarness()
    transcribed(turn)
    turn.take(m.FillerReceived("Checking"))
    parts = turn.take(m.AnswerChunkReceived("It is "), m.AnswerAudioSent(0.5), m.AnswerChunkReceived("noon."))
    assert kinds(parts) == ["StartAnswerStream", "SendAnswerChunk", "StopFiller", "SendAnswerChunk"]
    assert turn.take(SpokenAnswer("", expects_reply=True)) == [
        m.FinishAnswerStream(SpokenAnswer("It is noon.", expects_reply=True))
    ]
    assert kinds(turn.take(m.AnswerAudioEnded(), m.Played())) == []
    assert turn.core.phase is TurnPhase.IDLE


def test_an_interrupted_answer_stream_is_not_continued() -> None:
    turn = TurnHarness()
    transcribed(turn)
    turn.take(m.AnswerChunkReceived("Once upon "))
    assert kinds(turn.take(m.RunRequested("t2"))) == ["CloseDaemonStreams", "StartListening"]
    assert turn.take(m.AnswerChunkReceived("a time"), SpokenAnswer("")) == []


def test_an_empty_answer_ends_the_turn() -> None:
    turn = TurnHarness()
    answered(turn, SpokenAnswer(""))
    assert kinds(turn.effects)[-1] == "ReportError"
    assert turn.core.phase is TurnPhase.IDLE


def test_only_audio_after_the_wake_word_goes_to_asr() -> None:
    turn = TurnHarness()
    turn.take(m.RunRequested("t1", needs_wake=True))
    for value in range(10):
        turn.take(m.AudioReceived(bytes([value]) * 3200))
    assert kinds(turn.effects) == ["StartWakeDetection", *["SendToWake"] * 10]
    heard = turn.take(m.WakeWordDetected("okay_nabu", at_ms=750))
    audio = b"".join(effect.pcm for effect in heard if isinstance(effect, m.SendToAsrAndVad))
    assert audio == bytes([7]) * 1600 + bytes([8]) * 3200 + bytes([9]) * 3200


def heard_in_the_answer() -> TurnHarness:
    """An answer that is being spoken, in which a wake word is awaited since the end of the command."""
    turn = TurnHarness()
    transcribed(turn)
    turn.take(m.RunRequested("t2", needs_wake=True, interrupts=False))
    turn.take(SpokenAnswer("Done."), m.AnswerAudioSent(5.0))
    return turn


def test_an_answer_goes_on_while_a_wake_word_is_awaited() -> None:
    turn = heard_in_the_answer()
    assert kinds(turn.hear(0.1)) == ["SendToWake"]
    assert turn.core.phase is TurnPhase.ANSWERING


def test_a_wake_word_interrupts_the_answer() -> None:
    turn = heard_in_the_answer()
    turn.hear(1.0)
    effects = turn.take(m.WakeWordDetected("okay_nabu", at_ms=800))
    assert kinds(effects) == ["CloseDaemonStreams", "StartListening"]
    assert len([effect for effect in effects if isinstance(effect, m.SendToAsrAndVad)]) == 2
    assert turn.core.turn_id == "t2"


def test_a_wake_word_is_still_awaited_after_the_answer() -> None:
    turn = heard_in_the_answer()
    turn.hear(1.0)
    turn.take(m.AnswerAudioEnded(), m.Played())
    assert turn.core.phase is TurnPhase.AWAITING_WAKE
    assert "StartListening" in kinds(turn.take(m.WakeWordDetected("okay_nabu", at_ms=900)))


def test_a_lost_wake_detection_is_reported_and_the_answer_goes_on() -> None:
    turn = heard_in_the_answer()
    assert turn.take(m.StageFailed(m.Failure.WAKE)) == [m.ReportError("wake-unavailable")]
    assert turn.core.phase is TurnPhase.ANSWERING
    assert kinds(turn.hear(0.1)) == []


def test_a_failed_answer_keeps_awaiting_the_wake_word() -> None:
    turn = heard_in_the_answer()
    assert kinds(turn.take(m.StageFailed(m.Failure.TTS))) == [
        "CloseDaemonStreams",
        "StartWakeDetection",
        "SpeakFailure",
    ]


def test_the_end_of_audio_ends_wake_detection_and_not_the_answer() -> None:
    turn = heard_in_the_answer()
    assert turn.take(m.AudioEnded()) == [m.StopWakeDetection()]
    assert turn.core.phase is TurnPhase.ANSWERING


def test_an_announcement_is_spoken_while_a_wake_word_is_awaited() -> None:
    turn = TurnHarness()
    turn.take(m.RunRequested("t1", needs_wake=True, interrupts=False))
    assert said(turn.take(announced("late"))) == ["late"]
    assert kinds(turn.hear(0.1)) == ["SendToWake"]


def test_a_typed_sentence_is_answered_like_a_spoken_one() -> None:
    turn = TurnHarness()
    assert kinds(turn.take(m.TextReceived("t1", "lights on"))) == ["StartTextTurn", "RecognizeIntent"]
    assert kinds(turn.take(SpokenAnswer("Done."))) == ["SpeakAnswer"]


def test_a_cancelled_turn_is_silent_and_confirmed() -> None:
    turn = TurnHarness()
    answered(turn)
    assert kinds(turn.take(m.RunCancelled())) == ["CloseDaemonStreams", "ReportError"]
    assert turn.core.phase is TurnPhase.IDLE


inputs = st.one_of(
    st.builds(m.RunRequested, st.sampled_from(["a", "b"]), st.booleans(), st.none(), st.booleans()),
    st.builds(m.TextReceived, st.sampled_from(["a", "b"]), st.just("lights on")),
    st.builds(m.AudioReceived, st.just(TENTH)),
    st.just(m.AudioEnded()),
    st.builds(m.WakeWordDetected, st.just("okay_nabu"), st.integers(0, 5000)),
    st.builds(m.SpeechStarted, st.integers(0, 5000)),
    st.builds(m.SpeechStopped, st.integers(0, 5000)),
    st.builds(m.SpeculationPending),
    st.builds(m.SpeculationResult, st.sampled_from(Completeness)),
    st.sampled_from([m.AnswerChunkReceived("well "), m.FillerReceived("checking")]),
    st.builds(m.FinalTranscript, st.sampled_from(["", "lights on"])),
    st.builds(SpokenAnswer, st.sampled_from(["", "Done."]), st.booleans()),
    st.builds(m.AnswerAudioSent, st.floats(0, 5)),
    st.sampled_from([m.AnswerAudioEnded(), m.Played(), m.RunCancelled(), m.TurnDeadlineReached()]),
    st.builds(m.StageFailed, st.sampled_from(m.Failure)),
)


@given(st.lists(st.tuples(st.floats(0, 30), inputs), max_size=40), st.sampled_from([None, 0.7]))
def test_any_order_of_inputs_leaves_a_turn_that_ends_by_itself(
    script: list[tuple[float, m.Input]], own_filler_seconds: float | None
) -> None:
    core, now = TurnCore(own_filler_seconds=own_filler_seconds), 0.0
    for wait, given_input in script:
        now += wait
        core.handle(given_input, now)
        waits = core.phase in (TurnPhase.IDLE, TurnPhase.AWAITING_WAKE)
        assert waits or core.deadline is not None
    for _ in range(8):  # nothing more comes: deadlines alone must bring it home
        now += 100
        core.handle(m.TurnDeadlineReached(), now)
    assert core.phase in (TurnPhase.IDLE, TurnPhase.AWAITING_WAKE)


@given(st.lists(st.tuples(st.floats(0, 3), inputs), max_size=60))
def test_audio_goes_to_vad_and_asr_only_while_listening(script: list[tuple[float, m.Input]]) -> None:
    core, now = TurnCore(), 0.0
    for wait, given_input in script:
        now += wait
        listening = core.phase in (TurnPhase.LISTENING, TurnPhase.ENDPOINTING)
        effects = core.handle(given_input, now)
        if isinstance(given_input, m.AudioReceived):
            assert listening == any(isinstance(effect, m.SendToAsrAndVad) for effect in effects)


def announced(text: str, *, asks: bool = False) -> m.Announcement:
    return m.Announcement(f"turn-of-{text}", SpokenAnswer(text, asks), "de", "conversation")


def said(effects: list[m.Effect]) -> list[str]:
    return [effect.answer.text for effect in effects if isinstance(effect, m.SpeakAnswer)]


def test_an_announcement_is_spoken_while_idle() -> None:
    turn = TurnHarness()
    effects = turn.take(announced("late"))
    assert effects[-1] == m.SpeakAnswer(SpokenAnswer("late"), language="de")
    assert (turn.core.turn_id, turn.core.conversation_id) == ("turn-of-late", "conversation")


def test_an_announcement_waits_for_the_end_of_a_turn_and_for_the_one_before_it() -> None:
    turn = TurnHarness()
    answered(turn)
    assert said(turn.take(announced("one"), announced("two"), m.AnswerAudioEnded())) == []
    assert said(turn.take(m.Played())) == ["one"]
    assert said(turn.take(m.AnswerAudioEnded(), m.Played())) == ["two"]


def test_an_announcement_waits_for_the_reply_to_a_question() -> None:
    turn = TurnHarness()
    answered(turn, SpokenAnswer("Which one?", expects_reply=True))
    assert said(turn.take(announced("late"), m.AnswerAudioEnded(), m.Played())) == []
    assert turn.core.deadline is not None
    assert said(turn.wait(turn.core.deadline - turn.now)) == ["late"]


def test_the_oldest_of_too_many_announcements_is_dropped() -> None:
    turn = TurnHarness()
    answered(turn)
    turn.take(*[announced(str(number)) for number in range(20)], m.AnswerAudioEnded())
    assert said(turn.take(m.Played())) == ["12"]
