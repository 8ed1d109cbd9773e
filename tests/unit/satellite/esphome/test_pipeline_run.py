"""Rules of a run over ESPHome's API."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.pipeline_run import FetchReply, PipelineRun, Step, timer_event
from wyoming_rosie_satellite.messages import RunFailed

KINDS = [*api.VoiceAssistantEvent.values(), 9, 77]
FIELDS = ["url", "text", "code", "message", "conversation_id", "continue_conversation", "tts_start_streaming"]
REPORTS = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "request"]), st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["", "0", "1"]))
    ),
    max_size=20,
)
ENDS = (RunFailed, FetchReply)


def started() -> PipelineRun:
    run = PipelineRun()
    run.request("Okay Nabu", "turn-1")
    run.handle(api.VOICE_ASSISTANT_RUN_START, {"url": "http://early"})
    return run


def is_end(step: Step) -> bool:
    return isinstance(step, ENDS) or (isinstance(step, Event) and step.type == "error")


@given(REPORTS)
def test_each_run_ends_once_at_most_whatever_is_reported(reports: list[tuple[int | str, dict[str, str]]]) -> None:
    run, requests, fetched, ends = PipelineRun(), 0, 0, 0
    for kind, data in reports:
        if isinstance(kind, str):
            run.request(None, "turn")
            requests += 1
            continue
        steps = run.handle(kind, data)
        fetched += sum(isinstance(step, FetchReply) for step in steps)
        ends += sum(is_end(step) and not isinstance(step, FetchReply) for step in steps)
    assert fetched <= requests
    assert ends <= requests


@given(REPORTS)
def test_a_run_that_was_started_and_ended_has_a_reply_or_fails(reports: list[tuple[int | str, dict[str, str]]]) -> None:
    run = started()
    steps = [step for kind, data in reports if isinstance(kind, int) for step in run.handle(kind, data)]
    steps += run.handle(api.VOICE_ASSISTANT_RUN_END, {})
    assert any(map(is_end, steps))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != api.VOICE_ASSISTANT_ERROR])
def test_nothing_is_reported_before_a_run_is_requested_and_started(kind: int) -> None:
    assert PipelineRun().handle(kind, {"url": "http://a", "text": "b"}) == []


def test_a_run_that_cannot_be_started_fails() -> None:
    run = PipelineRun()
    run.request(None, "turn")
    assert [step.type for step in run.refuse() if isinstance(step, Event)] == ["error"]
    assert run.refuse() == []


def test_early_streaming_needs_the_url_of_the_start() -> None:
    run = PipelineRun()
    run.request(None, "turn")
    run.handle(api.VOICE_ASSISTANT_RUN_START, {})
    assert run.handle(api.VOICE_ASSISTANT_INTENT_PROGRESS, {"tts_start_streaming": "1"}) == []
    assert run.handle(api.VOICE_ASSISTANT_TTS_END, {"url": "http://late"}) == [FetchReply("http://late")]
    assert run.handle(api.VOICE_ASSISTANT_RUN_END, {}) == []


def test_only_the_run_after_a_question_continues_its_conversation() -> None:
    run = started()
    run.handle(api.VOICE_ASSISTANT_INTENT_END, {"conversation_id": "c1", "continue_conversation": "1"})
    assert run.request(None, "turn-2").conversation_id == "c1"
    assert run.request("Okay Nabu", "turn-3").conversation_id == ""


def test_a_timer_of_an_unknown_kind_is_ignored() -> None:
    message = api.VoiceAssistantTimerEventResponse()
    message.ParseFromString(b"\x08\x63\x12\x01a")
    assert timer_event(message) is None
