"""A turn as data: what goes in at which moment, what comes out."""

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.voice_activity.endpointing import EndpointingRules
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.core import Phase, TurnCore

TENTH = bytes(3200)  # 100 ms of silence


def kinds(effects: list[m.Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects if not isinstance(effect, m.Mark | m.SendToEars)]


def steps(effects: list[m.Effect]) -> list[str]:
    return [effect.step.value for effect in effects if isinstance(effect, m.Mark)]


class Scene:
    """Plays inputs to a core and keeps what it asked for; audio moves the clock."""

    def __init__(self, own_filler_seconds: float | None = None, ends: EndpointingRules | None = None) -> None:
        self.core = TurnCore(own_filler_seconds=own_filler_seconds, ends=ends or EndpointingRules())
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
            new += self.take(m.AudioHeard(TENTH))
        return new

    def wait(self, seconds: float) -> list[m.Effect]:
        self.now += seconds
        return self.take(m.Tick())


def spoken(scene: Scene) -> None:
    """A wake word, then a second of speech."""
    scene.take(m.RunAsked("t1", wake_word="okay_nabu"))
    scene.hear(0.5)
    scene.take(m.SpeechStarted(300))
    scene.hear(1.0)


def transcribed(scene: Scene, text: str = "turn on the light") -> None:
    spoken(scene)
    scene.take(m.SpeechStopped(1300))
    scene.hear(1.0)
    scene.take(m.Transcribed(text))


def answered(scene: Scene, answer: m.Answer | None = None) -> None:
    transcribed(scene)
    scene.take(m.Answered(answer or m.Answer("Done.")))


def test_a_whole_turn_in_order() -> None:
    scene = Scene()
    answered(scene)
    scene.take(m.SoundMade(0.5), m.SoundMade(0.5), m.SoundEnded())
    scene.now += 1
    scene.take(m.Played())
    assert kinds(scene.effects) == ["BeginListening", "Guess", "FinishListening", "Understand", "Say"]
    assert steps(scene.effects) == [
        "wake", "speech-start", "speech-end", "decided", "transcript", "intent", "first-audio", "done",
    ]  # fmt: skip
    assert scene.core.phase is Phase.IDLE


def test_all_audio_of_a_command_reaches_vad_and_asr() -> None:
    scene = Scene()
    spoken(scene)
    assert sum(len(effect.pcm) for effect in scene.effects if isinstance(effect, m.SendToEars)) == 15 * len(TENTH)


def test_silence_commits_only_when_it_is_long_enough() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.SpeechStopped(1500))
    early = scene.hear(EndpointingRules.incomplete_ms / 1000 - 0.1)
    assert "FinishListening" not in kinds(early)
    assert "FinishListening" in kinds(scene.hear(0.1))


def test_speech_that_resumes_drops_the_guess_and_listens_on() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.SpeechStopped(1500))
    scene.hear(0.4)
    assert kinds(scene.take(m.SpeechStarted(1900))) == ["DropGuess"]
    assert "FinishListening" not in kinds(scene.hear(2.0))
    assert scene.core.phase is Phase.LISTENING


def test_a_complete_guess_commits_sooner() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.SpeechStopped(1500), m.Guessed(complete=True))
    assert "FinishListening" in kinds(scene.hear(EndpointingRules.complete_ms / 1000))


def test_a_pause_too_short_for_a_guess_drops_none() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.SpeechStopped(1500))
    scene.hear(0.1)
    assert kinds(scene.take(m.SpeechStarted(1600))) == []
    assert scene.core.phase is Phase.LISTENING


def test_the_rules_of_the_end_can_be_others() -> None:
    scene = Scene(ends=EndpointingRules(perhaps_ms=300, complete_ms=1500, incomplete_ms=2000))
    spoken(scene)
    scene.take(m.SpeechStopped(1500), m.Guessed(complete=True))
    assert kinds(scene.hear(0.2)) == []
    assert kinds(scene.hear(1.2)) == ["Guess"]
    assert kinds(scene.hear(0.1)) == ["FinishListening"]


def test_speech_end_is_marked_when_it_was_not_when_it_was_decided() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.SpeechStopped(1500))
    ended_at = scene.now
    marks = {effect.step: round(effect.at - ended_at, 3) for effect in scene.hear(1.0) if isinstance(effect, m.Mark)}
    assert marks == {m.Step.SPEECH_END: 0, m.Step.DECIDED: EndpointingRules.incomplete_ms / 1000}


def test_nobody_speaking_ends_the_turn_without_words() -> None:
    scene = Scene()
    scene.take(m.RunAsked("t1"))
    scene.hear(3)
    assert kinds(scene.wait(10)) == ["CloseStages", "Dismiss"]
    assert scene.core.phase is Phase.IDLE


def test_a_satellite_that_stops_sending_in_silence_is_not_waited_for() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.SpeechStopped(1500))
    assert kinds(scene.wait(5)) == ["FinishListening"]


def test_a_satellite_that_ends_its_audio_commits() -> None:
    scene = Scene()
    spoken(scene)
    assert kinds(scene.take(m.AudioEnded())) == ["FinishListening"]


def test_an_empty_transcript_is_answered_with_words() -> None:
    scene = Scene()
    transcribed(scene, "  ")
    assert scene.effects[-1] == m.SayFailure(m.Failure.NOT_UNDERSTOOD)


def test_each_stage_that_fails_is_spoken_about() -> None:
    for failure in (m.Failure.VAD, m.Failure.ASR, m.Failure.INTENT):
        scene = Scene()
        spoken(scene)
        assert scene.take(m.StageFailed(failure))[-1] == m.SayFailure(failure)
        scene.take(m.SoundMade(1), m.SoundEnded(), m.Played())
        assert scene.core.phase is Phase.IDLE


def test_a_voice_that_fails_is_spoken_about_once() -> None:
    scene = Scene()
    answered(scene)
    assert scene.take(m.StageFailed(m.Failure.TTS))[-1] == m.SayFailure(m.Failure.TTS)
    assert kinds(scene.take(m.StageFailed(m.Failure.TTS))) == ["CloseStages", "Dismiss"]


def test_stages_that_say_nothing_fail_at_their_deadlines() -> None:
    scene = Scene()
    spoken(scene)
    scene.take(m.AudioEnded())
    assert scene.wait(60)[-1] == m.SayFailure(m.Failure.ASR)
    scene = Scene()
    transcribed(scene)
    assert scene.wait(60)[-1] == m.SayFailure(m.Failure.INTENT)
    scene = Scene()
    answered(scene)
    assert scene.wait(60)[-1] == m.SayFailure(m.Failure.TTS)


def test_a_satellite_that_never_says_played_still_gets_its_next_turn() -> None:
    scene = Scene()
    answered(scene)
    scene.take(m.SoundMade(1.0), m.SoundEnded())
    assert steps(scene.wait(60)) == ["done"]
    assert scene.core.phase is Phase.IDLE


def test_a_wake_word_during_the_answer_interrupts_it() -> None:
    scene = Scene()
    answered(scene)
    scene.take(m.SoundMade(5.0))
    assert kinds(scene.take(m.RunAsked("t2"))) == ["CloseStages", "BeginListening"]
    assert scene.core.phase is Phase.LISTENING


def test_an_answer_that_asks_keeps_the_conversation_and_listens_again() -> None:
    scene = Scene()
    answered(scene, m.Answer("Lock the door?", expects_reply=True))
    assert scene.effects[-1] == m.Say("Lock the door?", listen_again=True)
    scene.take(m.SoundMade(1), m.SoundEnded(), m.Played())
    follow_up = scene.take(m.RunAsked("t2"))
    assert m.BeginListening("t2", "t1", None) in follow_up


def test_a_new_turn_is_a_new_conversation() -> None:
    scene = Scene()
    answered(scene)
    scene.take(m.SoundMade(1), m.SoundEnded(), m.Played())
    assert m.BeginListening("t2", "t2", None) in scene.take(m.RunAsked("t2"))


def test_the_first_sound_of_an_answer_cuts_the_filler_that_was_offered() -> None:
    scene = Scene()
    transcribed(scene)
    assert scene.take(m.FillerOffered("Checking the lights"))[-1] == m.SayFiller("Checking the lights")
    assert scene.core.phase is Phase.FILLING
    scene.take(m.Answered(m.Answer("It is nine.")))
    assert kinds(scene.take(m.SoundMade(0.2))) == ["CutFiller"]
    assert kinds(scene.take(m.SoundMade(0.2))) == []


def test_nothing_fills_twice_nor_after_the_answer() -> None:
    scene = Scene(own_filler_seconds=0.7)
    transcribed(scene)
    scene.take(m.FillerOffered("Checking"))
    assert scene.take(m.FillerOffered("Still checking")) == []
    assert kinds(scene.wait(1)) == []
    scene.take(m.AnswerPart("It is "))
    assert scene.take(m.FillerOffered("Checking")) == []


def test_whoever_wants_no_filler_hears_none() -> None:
    scene = Scene()
    scene.core.fills = False
    transcribed(scene)
    assert scene.take(m.FillerOffered("Checking")) == []


def test_the_hub_fills_by_itself_when_told_to() -> None:
    scene = Scene(own_filler_seconds=0.7)
    transcribed(scene)
    assert scene.wait(1)[-1] == m.SayFiller()
    assert scene.core.phase is Phase.FILLING


def test_an_answer_is_spoken_while_it_is_made() -> None:
    scene = Scene()
    transcribed(scene)
    scene.take(m.FillerOffered("Checking"))
    parts = scene.take(m.AnswerPart("It is "), m.SoundMade(0.5), m.AnswerPart("noon."))
    assert kinds(parts) == ["BeginSaying", "SayPart", "CutFiller", "SayPart"]
    assert scene.take(m.Answered(m.Answer("", expects_reply=True))) == [m.EndSaying("It is noon.", listen_again=True)]
    assert kinds(scene.take(m.SoundEnded(), m.Played())) == []
    assert scene.core.phase is Phase.IDLE


def test_an_answer_in_parts_that_is_interrupted_is_heard_no_more() -> None:
    scene = Scene()
    transcribed(scene)
    scene.take(m.AnswerPart("Once upon "))
    assert kinds(scene.take(m.RunAsked("t2"))) == ["CloseStages", "BeginListening"]
    assert scene.take(m.AnswerPart("a time"), m.Answered(m.Answer(""))) == []


def test_an_answer_without_words_ends_the_turn() -> None:
    scene = Scene()
    answered(scene, m.Answer(""))
    assert kinds(scene.effects)[-1] == "Dismiss"
    assert scene.core.phase is Phase.IDLE


def test_after_the_wake_daemon_hears_the_word_only_what_follows_it_is_listened_to() -> None:
    scene = Scene()
    scene.take(m.RunAsked("t1", needs_wake=True))
    for value in range(10):
        scene.take(m.AudioHeard(bytes([value]) * 3200))
    assert kinds(scene.effects) == ["ListenForWakeWord", *["SendToWake"] * 10]
    heard = scene.take(m.WakeWordHeard("okay_nabu", at_ms=750))
    audio = b"".join(effect.pcm for effect in heard if isinstance(effect, m.SendToEars))
    assert audio == bytes([7]) * 1600 + bytes([8]) * 3200 + bytes([9]) * 3200


inputs = st.one_of(
    st.builds(m.RunAsked, st.sampled_from(["a", "b"]), st.booleans()),
    st.builds(m.AudioHeard, st.just(TENTH)),
    st.just(m.AudioEnded()),
    st.builds(m.WakeWordHeard, st.just("okay_nabu"), st.integers(0, 5000)),
    st.builds(m.SpeechStarted, st.integers(0, 5000)),
    st.builds(m.SpeechStopped, st.integers(0, 5000)),
    st.builds(m.Guessed, st.booleans()),
    st.sampled_from([m.AnswerPart("well "), m.FillerOffered("checking")]),
    st.builds(m.Transcribed, st.sampled_from(["", "lights on"])),
    st.builds(m.Answered, st.builds(m.Answer, st.sampled_from(["", "Done."]), st.booleans())),
    st.builds(m.SoundMade, st.floats(0, 5)),
    st.sampled_from([m.SoundEnded(), m.Played(), m.SatelliteLeft(), m.Tick()]),
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
        waits = core.phase in (Phase.IDLE, Phase.AWAITING_WAKE)
        assert waits or core.deadline is not None
    for _ in range(8):  # nothing more comes: deadlines alone must bring it home
        now += 100
        core.handle(m.Tick(), now)
    assert core.phase in (Phase.IDLE, Phase.AWAITING_WAKE)


@given(st.lists(st.tuples(st.floats(0, 3), inputs), max_size=60))
def test_audio_goes_to_the_ears_only_while_somebody_listens(script: list[tuple[float, m.Input]]) -> None:
    core, now = TurnCore(), 0.0
    for wait, given_input in script:
        now += wait
        listening = core.phase in (Phase.LISTENING, Phase.DECIDING)
        effects = core.handle(given_input, now)
        if isinstance(given_input, m.AudioHeard):
            assert listening == any(isinstance(effect, m.SendToEars) for effect in effects)


def announced(text: str, *, asks: bool = False) -> m.Announced:
    return m.Announced(f"turn-of-{text}", m.Answer(text, asks), "de", "conversation")


def said(effects: list[m.Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, m.Say)]


def test_an_announcement_is_said_when_nobody_speaks() -> None:
    scene = Scene()
    effects = scene.take(announced("late"))
    assert effects[-1] == m.Say("late", language="de")
    assert (scene.core.turn_id, scene.core.conversation_id) == ("turn-of-late", "conversation")


def test_an_announcement_waits_for_the_end_of_a_turn_and_for_the_one_before_it() -> None:
    scene = Scene()
    answered(scene)
    assert said(scene.take(announced("one"), announced("two"), m.SoundEnded())) == []
    assert said(scene.take(m.Played())) == ["one"]
    assert said(scene.take(m.SoundEnded(), m.Played())) == ["two"]


def test_an_announcement_waits_for_the_answer_to_a_question() -> None:
    scene = Scene()
    answered(scene, m.Answer("Which one?", expects_reply=True))
    assert said(scene.take(announced("late"), m.SoundEnded(), m.Played())) == []
    assert scene.core.deadline is not None
    assert said(scene.wait(scene.core.deadline - scene.now)) == ["late"]


def test_too_many_announcements_lose_the_oldest() -> None:
    scene = Scene()
    answered(scene)
    scene.take(*[announced(str(number)) for number in range(20)], m.SoundEnded())
    assert said(scene.take(m.Played())) == ["12"]
