"""Turns and announcements of the satellite with the official client of ESPHome's API."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aioesphomeapi import VoiceAssistantTimerEventType as TimerKind

from tests.integration.esphome.room import TONE, AudioServer, EspHomeRoom, Kind, wav
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_satellite.esphome.media import MediaAudio
from wyoming_rosie_satellite.messages import SatellitePhase

BELL = b"\x33\x00" * 800


def text_of(room: EspHomeRoom, kind: str) -> list[str]:
    return [event.data["text"] for event in room.seen if event.type == kind]


async def test_a_command_is_streamed_and_its_reply_is_spoken(room: EspHomeRoom) -> None:
    room.audio.files["reply.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        room.wake()
        room.speak()
        await room.until(lambda: len(home.heard) >= 2048)
        assert home.runs == [("", "Okay Nabu")]
        home.answer("Turned on the light.", f"{room.audio.url}/reply.wav")
        await room.until(lambda: home.finished)
        await room.waits()
        assert (home.finished, room.speaker.played) == ([True], TONE)
        assert text_of(room, "transcript") == ["turn on the light"]
        assert text_of(room, "synthesize") == ["Turned on the light."]


async def test_a_long_piece_of_audio_is_sent_in_parts(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        room.wake()
        room.speak(TONE * 50)
        await room.until(lambda: len(home.heard) == len(TONE * 50))
        assert home.heard == TONE * 50


async def test_a_reply_that_is_still_being_made_is_spoken_from_its_first_sound_on(room: EspHomeRoom) -> None:
    room.audio.files["reply.wav"] = wav(TONE)
    url = f"{room.audio.url}/reply.wav"
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.report(Kind.VOICE_ASSISTANT_RUN_START, url=url)
        home.report(Kind.VOICE_ASSISTANT_STT_END, text="tell me a story")
        home.report(Kind.VOICE_ASSISTANT_INTENT_PROGRESS, tts_start_streaming="1")
        await room.until(lambda: home.finished)
        home.report(Kind.VOICE_ASSISTANT_INTENT_END, conversation_id="c1", continue_conversation="0")
        home.report(Kind.VOICE_ASSISTANT_TTS_END, url=url)
        home.report(Kind.VOICE_ASSISTANT_RUN_END)
        await room.waits()
    assert (room.audio.fetched, room.speaker.played) == (["reply.wav"], TONE)


async def test_a_question_is_followed_by_a_run_in_the_same_conversation(room: EspHomeRoom) -> None:
    room.audio.files["reply.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.answer("Which one?", f"{room.audio.url}/reply.wav", continues="1")
        await room.until(lambda: len(home.runs) == 2)
        assert home.runs[1] == ("c1", None)
        assert room.phase is SatellitePhase.STREAMING
        home.answer("Done.", f"{room.audio.url}/reply.wav")
        await room.waits()
        room.wake()
        await room.until(lambda: len(home.runs) == 3)
        assert home.runs[2] == ("", "Okay Nabu")


async def test_a_run_without_a_reply_is_over_when_home_assistant_says_so(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.report(Kind.VOICE_ASSISTANT_RUN_START)
        home.report(Kind.VOICE_ASSISTANT_STT_END, text="never mind")
        home.report(Kind.VOICE_ASSISTANT_RUN_END)
        await room.waits()
        assert room.speaker.played == b""


async def test_a_failed_run_is_heard_and_the_reports_after_it_change_nothing(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.report(Kind.VOICE_ASSISTANT_RUN_START)
        home.report(Kind.VOICE_ASSISTANT_ERROR, code="stt-provider-missing", message="no speech to text")
        home.report(Kind.VOICE_ASSISTANT_TTS_END, url=f"{room.audio.url}/late.wav")
        await room.waits()
        await room.until(lambda: room.speaker.played)
        assert room.audio.fetched == []
        assert text_of(room, "error") == ["no speech to text"]


async def test_a_reply_that_cannot_be_fetched_is_an_error_and_ends_the_turn(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.answer("Done.", f"{room.audio.url}/nowhere.wav")
        await room.until(lambda: home.finished)
        await room.waits()
        assert home.finished == [False]


async def test_the_end_of_a_command_that_the_satellite_finds_ends_its_audio(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        room.satellite.stop()
        await room.until(lambda: home.stops)
        assert (home.stops, room.phase) == ([False], SatellitePhase.THINKING)


async def test_an_announcement_is_one_clip_after_its_bell(room: EspHomeRoom) -> None:
    room.audio.files |= {"bell.wav": wav(BELL), "news.wav": wav(TONE)}
    async with room.home_assistant() as home:
        bell, news = f"{room.audio.url}/bell.wav", f"{room.audio.url}/news.wav"
        finished = await home.api.send_voice_assistant_announcement_await_response(news, 60, "Dinner", bell)
        await room.waits()
        assert (finished.success, room.speaker.played, home.runs) == (True, BELL + TONE, [])


async def test_a_question_of_home_assistant_is_asked_and_its_answer_comes_back(room: EspHomeRoom) -> None:
    room.audio.files["question.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        finished = await home.api.send_voice_assistant_announcement_await_response(
            f"{room.audio.url}/question.wav", 60, "What shall I play?", start_conversation=True
        )
        assert finished.success
        await room.until(lambda: home.runs)
        assert home.runs == [("", None)]
        room.speak()
        await room.until(lambda: home.heard)
        home.report(Kind.VOICE_ASSISTANT_RUN_START)
        home.report(Kind.VOICE_ASSISTANT_STT_END, text="jazz")
        home.report(Kind.VOICE_ASSISTANT_RUN_END)
        await room.waits()
        assert text_of(room, "transcript") == ["jazz"]


async def test_a_question_to_a_muted_satellite_is_answered_by_an_empty_run(room: EspHomeRoom) -> None:
    room.audio.files["question.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        room.satellite.mute(True)
        url = f"{room.audio.url}/question.wav"
        await home.api.send_voice_assistant_announcement_await_response(url, 60, "Now?", start_conversation=True)
        await room.until(lambda: home.stops)
        assert (home.runs, home.stops, bytes(home.heard)) == ([("", None)], [False], b"")
        await room.waits()


async def test_a_conversation_without_a_message_starts_at_once(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        await home.api.send_voice_assistant_announcement_await_response("", 60, start_conversation=True)
        await room.until(lambda: home.runs)
        assert room.phase is SatellitePhase.STREAMING


async def test_a_question_that_was_not_heard_opens_no_microphone_later(room: EspHomeRoom) -> None:
    room.audio.files["news.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        ask = home.api.send_voice_assistant_announcement_await_response
        lost = await ask(f"{room.audio.url}/nowhere.wav", 60, "Now?", start_conversation=True)
        assert not lost.success
        await room.until(lambda: home.stops)  # the question is answered by an empty run
        assert (await ask(f"{room.audio.url}/news.wav", 60, "News")).success
        await room.waits()
        assert (room.phase, bytes(home.heard), len(home.runs)) == (SatellitePhase.WAITING, b"", 1)


async def test_an_announcement_that_cannot_be_fetched_has_failed(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        url = f"{room.audio.url}/nowhere.wav"
        assert not (await home.api.send_voice_assistant_announcement_await_response(url, 60, "News")).success
        assert room.phase is SatellitePhase.WAITING


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a.wav", "nonsense"])
async def test_only_what_comes_over_http_is_announced(room: EspHomeRoom, url: str) -> None:
    async with room.home_assistant() as home:
        assert not (await home.api.send_voice_assistant_announcement_await_response(url, 60, "News")).success


async def test_announcements_are_heard_one_after_the_other(room: EspHomeRoom) -> None:
    room.audio.files |= {"one.wav": wav(BELL), "two.wav": wav(TONE)}
    async with room.home_assistant() as home:
        await asyncio.gather(
            *(
                home.api.send_voice_assistant_announcement_await_response(f"{room.audio.url}/{name}", 60, "News")
                for name in ("one.wav", "two.wav")
            )
        )
        await room.until(lambda: len(room.speaker.played) == len(BELL + TONE))
        assert room.speaker.played == BELL + TONE
        await room.waits()


class FailingMedia:
    """Fails for a reason that nobody has thought of, the first time; then it has a tone."""

    def __init__(self) -> None:
        self.has_failed = False

    async def open(self, url: str) -> AsyncGenerator[MediaAudio, None]:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError
        yield MediaAudio(SPEECH, TONE)


async def test_a_bug_in_one_announcement_leaves_the_next_one_heard(room: EspHomeRoom) -> None:
    room.server._media = FailingMedia()
    async with room.home_assistant() as home:
        assert not (await home.api.send_voice_assistant_announcement_await_response("http://a", 60, "News")).success
        assert (await home.api.send_voice_assistant_announcement_await_response("http://a", 60, "News")).success


async def test_a_wake_word_interrupts_a_reply(tmp_path: Path, audio: AudioServer) -> None:
    audio.files["reply.wav"] = wav(TONE)
    async with EspHomeRoom(tmp_path, audio, slow=True).serving() as room, room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.answer("A long story.", f"{audio.url}/reply.wav")
        await room.until(lambda: room.phase is SatellitePhase.SPEAKING)
        room.wake("hey_jarvis")
        await room.until(lambda: len(home.runs) == 2)
        await room.until(lambda: home.finished)
        assert home.runs[1] == ("", "Hey Jarvis")
        assert room.phase is SatellitePhase.STREAMING


async def test_reports_of_an_earlier_run_do_not_end_the_new_one(room: EspHomeRoom) -> None:
    room.audio.files["reply.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.report(Kind.VOICE_ASSISTANT_RUN_START)
        home.report(Kind.VOICE_ASSISTANT_STT_END, text="never mind")
        await room.until(lambda: room.phase is SatellitePhase.THINKING)
        room.wake()
        await room.until(lambda: len(home.runs) == 2)
        home.report(Kind.VOICE_ASSISTANT_TTS_END, url=f"{room.audio.url}/reply.wav")
        home.report(Kind.VOICE_ASSISTANT_RUN_END)
        home.report(Kind.VOICE_ASSISTANT_RUN_START)
        home.report(Kind.VOICE_ASSISTANT_STT_END, text="lights off")
        await room.until(lambda: text_of(room, "transcript") == ["never mind", "lights off"])
        assert room.audio.fetched == []


async def test_timers_ring_on_the_satellite(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        send, timers = home.api.send_voice_assistant_timer_event, room.satellite.timers
        assert timers is not None
        send(TimerKind.VOICE_ASSISTANT_TIMER_STARTED, "t1", "tea", 600, 600, True)
        send(TimerKind.VOICE_ASSISTANT_TIMER_STARTED, "t2", None, 60, 60, True)
        await room.until(lambda: len(timers.timers) == 2)
        assert [(timer.id, timer.name) for timer in timers.timers] == [("t1", "tea"), ("t2", None)]
        send(TimerKind.VOICE_ASSISTANT_TIMER_UPDATED, "t1", "tea", 600, 300, False)
        send(TimerKind.VOICE_ASSISTANT_TIMER_CANCELLED, "t2", None, 60, 50, True)
        await room.until(lambda: len(timers.timers) == 1)
        assert not timers.timers[0].is_active
        send(TimerKind.VOICE_ASSISTANT_TIMER_FINISHED, "t1", "tea", 600, 0, False)
        await room.until(lambda: room.satellite.status.ringing)


async def test_a_timer_that_makes_no_sense_changes_nothing(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        kind = TimerKind.VOICE_ASSISTANT_TIMER_STARTED
        home.api.send_voice_assistant_timer_event(kind, "", "tea", 4_000_000_000, 4_000_000_000, True)
        assert (await home.api.device_info()).name
        assert room.satellite.timers is not None
        assert room.satellite.timers.timers == ()


async def test_a_conductor_that_dies_in_mid_speech_is_told_and_found_again(tmp_path: Path, audio: AudioServer) -> None:
    audio.files |= {"endless.wav": None, "reply.wav": wav(TONE)}
    async with EspHomeRoom(tmp_path, audio).serving() as room:
        async with room.home_assistant() as home:
            room.wake()
            await room.until(lambda: home.runs)
            home.answer("A long story.", f"{audio.url}/endless.wav")
            await room.until(lambda: room.phase is SatellitePhase.SPEAKING)
            await home.api.disconnect(force=True)
            await room.until(lambda: room.phase is SatellitePhase.OFFLINE)
        await room.until(lambda: room.speaker.played.endswith(b"\x09\x00" * 160))
        async with room.home_assistant() as home:
            room.wake()
            await room.until(lambda: home.runs)
            home.answer("Done.", f"{audio.url}/reply.wav")
            await room.until(lambda: home.finished)
            await room.waits()


async def test_audio_is_refused_while_another_conductor_has_a_run(room: EspHomeRoom) -> None:
    room.audio.files["news.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        room.satellite._core._active_slot = "hey_jarvis"
        room.satellite._core.phase = SatellitePhase.THINKING
        url = f"{room.audio.url}/news.wav"
        assert not (await home.api.send_voice_assistant_announcement_await_response(url, 60, "News")).success
        assert room.speaker.played == b""
