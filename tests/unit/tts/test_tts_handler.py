import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tts.fakes import UNCHANGED, LetterEngine, Listener
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.text import numbers
from wyoming_rosie_tts.handler import prewarm
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.reply_audio import TtsContext
from wyoming_rosie_tts.synthesis_scheduler import SynthesisScheduler

REPLY = ["audio-start", "audio-chunk", "audio-stop"]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0)


async def test_a_text_is_spoken_sentence_by_sentence_in_one_reply(listener: Listener, engine: LetterEngine) -> None:
    await listener.send("synthesize", text="One. Two. Three.")
    assert engine.spoken == ["One.", "Two.", "Three."]
    assert listener.types == REPLY
    assert listener.letters == "One.-Two.-Three."


async def test_audio_chunks_have_format_and_timestamp(listener: Listener) -> None:
    await listener.send("synthesize", text="Hey")
    assert [event.data["timestamp"] for event in listener.received] == [0, 0, 10, 20, 30]
    assert {(event.data["rate"], event.data["width"], event.data["channels"]) for event in listener.received[:-1]} == {
        (1000, 2, 1)
    }


@pytest.mark.parametrize("text", ["", "   \n", "\0\x01"])
async def test_a_text_without_words_is_a_reply_without_audio(listener: Listener, text: str) -> None:
    await listener.send("synthesize", text=text)
    assert listener.types == ["audio-start", "audio-stop"]


async def test_a_streamed_text_is_spoken_as_its_sentences_become_complete(
    listener: Listener, engine: LetterEngine
) -> None:
    await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="One. Tw")
    await until(lambda: engine.spoken == ["One."])
    await listener.send("synthesize-chunk", text="o. Three")
    await until(lambda: engine.spoken == ["One.", "Two."])
    await listener.send("synthesize-stop")
    assert listener.types == [*REPLY, "synthesize-stopped"]
    assert listener.letters == "One.-Two.-Three"


async def test_the_whole_text_inside_a_stream_is_not_spoken_again(listener: Listener) -> None:
    await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="Once")
    await listener.send("synthesize", text="Once")
    await listener.send("synthesize-stop")
    assert listener.letters == "Once"


@given(cuts=st.lists(st.integers(0, 60), max_size=8))
def test_a_text_sounds_the_same_however_it_is_streamed(cuts: list[int]) -> None:
    text = "One, two. Three is 3.5! Is it? Yes: it is. And"
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]

    async def streamed() -> str:
        scheduler = SynthesisScheduler("test", workers=1)
        listener = Listener(TtsContext(LetterEngine(), scheduler, PhraseCache(0), UNCHANGED))
        await listener.send("synthesize-start")
        for begin, end in pairwise(edges):
            await listener.send("synthesize-chunk", text=text[begin:end])
        await listener.send("synthesize-stop")
        scheduler.close()
        return listener.letters

    assert asyncio.run(streamed()) == "One, two.-Three is 3.5!-Is it?-Yes: it is.-And"


async def test_an_empty_stream_still_ends(listener: Listener) -> None:
    await listener.send("synthesize-start")
    await listener.send("synthesize-stop")
    assert listener.types == ["audio-start", "audio-stop", "synthesize-stopped"]


async def test_the_next_reply_on_the_connection_starts_again(listener: Listener) -> None:
    await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="One")
    await listener.send("synthesize-stop")
    await listener.send("synthesize", text="Two")
    assert listener.types == [*REPLY, "synthesize-stopped", *REPLY]
    assert not listener.handler.is_busy


async def test_a_stream_with_an_unknown_voice_is_refused_at_once_and_still_ends(listener: Listener) -> None:
    with pytest.raises(BadEventError, match="nobody"):
        await listener.send("synthesize-start", voice={"name": "nobody"})
    await listener.send("synthesize-chunk", text="One. Two.")
    await listener.send("synthesize-stop")
    assert listener.types == ["synthesize-stopped"]


async def test_a_stream_over_the_limit_gets_an_error_and_ends(context: TtsContext, engine: LetterEngine) -> None:
    listener = Listener(context, max_characters=10)
    await listener.send("synthesize-start")
    for text in ("One. Two", ". Three.", " Four."):
        await listener.send("synthesize-chunk", text=text)
    await listener.send("synthesize-stop")
    assert listener.types == ["audio-start", "audio-chunk", "error", "audio-stop", "synthesize-stopped"]
    assert listener.received[-3].data["code"] == "text-too-long"
    assert engine.spoken == ["One."]


async def test_a_text_over_the_limit_is_not_started(context: TtsContext, engine: LetterEngine) -> None:
    listener = Listener(context, max_characters=10)
    with pytest.raises(BadEventError, match="10 characters"):
        await listener.send("synthesize", text="x" * 11)
    await listener.send("synthesize", text="x" * 10)
    assert listener.types == REPLY


async def test_a_failing_engine_is_reported_before_the_stream_ends(listener: Listener, engine: LetterEngine) -> None:
    engine.broken = True
    await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="One")
    await listener.send("synthesize-stop")
    assert listener.types == ["error", "synthesize-stopped"]
    assert (listener.received[0].data["code"], listener.received[0].data["text"]) == ("engine", "the voice is hoarse")


@pytest.mark.parametrize(
    ("event_type", "data", "code"),
    [
        ("synthesize", {}, "bad-request"),
        ("synthesize", {"text": 5}, "bad-request"),
        ("synthesize", {"text": "a", "voice": "de"}, "bad-request"),
        ("synthesize", {"text": "a", "voice": {"name": ["de"]}}, "bad-request"),
        ("synthesize", {"text": "a", "text_format": "html"}, "unsupported-format"),
        ("synthesize", {"text": "a", "text_format": {}}, "unsupported-format"),
        ("synthesize-chunk", {"text": "a"}, "no-synthesize-start"),
        ("synthesize-stop", {}, "no-synthesize-start"),
    ],
    ids=lambda value: str(value),
)
async def test_invalid_requests_are_refused_with_a_code(
    listener: Listener, event_type: str, data: dict[str, object], code: str
) -> None:
    with pytest.raises(BadEventError) as refusal:
        await listener.send(event_type, **data)
    assert refusal.value.code == code
    assert listener.received == []


async def test_a_second_start_leaves_the_first_stream_alone(listener: Listener) -> None:
    await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="One. ")
    with pytest.raises(BadEventError, match="inside a stream"):
        await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="Two")
    await listener.send("synthesize-stop")
    assert listener.letters == "One.-Two"


async def test_events_of_other_kinds_are_ignored(listener: Listener) -> None:
    await listener.send("audio-chunk", rate=16000)
    await listener.send("never-heard-of")
    assert listener.received == []


async def test_a_short_text_does_not_wait_for_a_long_one(context: TtsContext, engine: LetterEngine) -> None:
    long, short = Listener(context), Listener(context)
    telling = asyncio.create_task(long.send("synthesize", text="A sentence of many. " * 40))
    while not long.received:
        await asyncio.sleep(0)
    await short.send("synthesize", text="Now!")
    assert short.types == REPLY
    assert long.types == REPLY[:2]
    await telling
    assert engine.spoken.index("Now!") < 5


async def test_a_disconnect_ends_the_text(context: TtsContext, engine: LetterEngine) -> None:
    listener = Listener(context)
    telling = asyncio.create_task(listener.send("synthesize", text="A sentence of many. " * 40))
    while not listener.received:
        await asyncio.sleep(0)
    telling.cancel()
    await asyncio.wait({telling})
    await listener.handler.close()
    spoken = len(engine.spoken)
    await context.scheduler.call(lambda: None)
    assert len(engine.spoken) - spoken <= 1 < 40 - spoken


async def test_a_disconnect_ends_a_streamed_text(context: TtsContext, engine: LetterEngine, listener: Listener) -> None:
    await listener.send("synthesize-start")
    await listener.send("synthesize-chunk", text="A sentence of many. " * 40)
    await until(lambda: bool(listener.received))
    await listener.handler.close()
    spoken = len(engine.spoken)
    await context.scheduler.call(lambda: None)
    assert len(engine.spoken) - spoken <= 1 < 40 - spoken


async def test_pauses_and_marks_are_part_of_the_reply(listener: Listener) -> None:
    ssml = '<speak>Ab<break time="50ms"/><mark name="here"/>c</speak>'
    await listener.send("synthesize", text=ssml, text_format="ssml")
    assert listener.letters == "Ab\0\0\0\0\0c"
    (mark,) = [event for event in listener.received if event.type == "user-event"]
    assert mark.data == {"name": "mark", "data": {"name": "here", "timestamp": 70}}
    assert listener.types == ["audio-start", "audio-chunk", "user-event", "audio-chunk", "audio-stop"]


async def test_another_voice_in_a_reply_is_converted_to_its_rate(listener: Listener) -> None:
    ssml = '<speak>Normal.<voice name="deep">deep</voice></speak>'
    await listener.send("synthesize", text=ssml, text_format="ssml")
    assert {event.data["rate"] for event in listener.received[:-1]} == {1000}
    assert len(listener.letters) == pytest.approx(len("Normal.-deep"), abs=1)


async def test_an_unknown_voice_inside_a_reply_is_replaced(listener: Listener) -> None:
    ssml = '<speak>Hello.<voice name="nobody">you</voice></speak>'
    await listener.send("synthesize", text=ssml, text_format="ssml")
    assert listener.letters.replace("-", "") == "Hello.you"
    with pytest.raises(BadEventError, match="letters"):
        await listener.send("synthesize", text="Hello.", voice={"name": "nobody"})


async def test_the_first_number_in_ssml_does_not_block_the_event_loop(listener: Listener, engine: LetterEngine) -> None:
    numbers._rules.cache_clear()
    number = '<say-as interpret-as="ordinal">21</say-as>'
    await listener.send("synthesize", text=number, text_format="ssml")
    numbers._rules.cache_clear()
    await listener.send("synthesize-start", text_format="ssml")
    await listener.send("synthesize-chunk", text=number)
    await listener.send("synthesize-stop")
    assert engine.spoken == ["twenty-first", "twenty-first"]


async def test_the_same_text_is_synthesized_once(engine: LetterEngine, scheduler: SynthesisScheduler) -> None:
    listener = Listener(TtsContext(engine, scheduler, PhraseCache(1_000_000), UNCHANGED))
    await listener.send("synthesize", text="One. Two.")
    first, listener.received = listener.received, []
    await listener.send("synthesize", text="One. Two.")
    assert engine.spoken == ["One.", "Two."]
    assert b"".join(one.payload or b"" for one in first) == b"".join(one.payload or b"" for one in listener.received)


async def test_prewarmed_phrases_are_spoken_by_a_broken_engine(
    engine: LetterEngine, scheduler: SynthesisScheduler
) -> None:
    context = TtsContext(engine, scheduler, PhraseCache(1_000_000), UNCHANGED)
    await prewarm(context, ["Sorry. It failed.", "Bye."])
    engine.broken = True
    listener = Listener(context)
    await listener.send("synthesize", text="Sorry. It failed.")
    assert (listener.types, listener.letters) == (REPLY, "Sorry.-It failed.")
    listener.received.clear()
    await listener.send("synthesize", text="Something else.")
    assert listener.received[0].data == {"text": "the voice is hoarse", "code": "engine"}


async def test_prewarming_delays_no_client(engine: LetterEngine, context: TtsContext) -> None:
    prewarming = asyncio.create_task(prewarm(context, ["A phrase of many. " * 20]))
    await until(lambda: bool(engine.spoken))
    listener = Listener(context)
    await listener.send("synthesize", text="Now!")
    assert engine.spoken.index("Now!") < 4
    await prewarming


async def test_prewarmed_phrases_are_pinned_even_if_they_were_cached_before(
    engine: LetterEngine, scheduler: SynthesisScheduler
) -> None:
    context = TtsContext(engine, scheduler, PhraseCache(2_000), UNCHANGED)
    listener = Listener(context)
    await listener.send("synthesize", text="Sorry.")
    await prewarm(context, ["Sorry."])
    await listener.send("synthesize", text="x" * 90)
    listener.received.clear()
    engine.broken = True
    await listener.send("synthesize", text="Sorry.")
    assert listener.letters == "Sorry."


async def test_phrases_that_fail_to_prewarm_stop_nothing(engine: LetterEngine, context: TtsContext) -> None:
    engine.broken = True
    await prewarm(context, ["Sorry."])


@pytest.fixture
def english(scheduler: SynthesisScheduler) -> Listener:
    return Listener(TtsContext(LetterEngine("en-US"), scheduler, PhraseCache(0), UNCHANGED))


def spoken_by(listener: Listener) -> str:
    return listener.letters.replace("-", " ")


async def test_text_is_normalized_before_the_engine_sees_it(english: Listener) -> None:
    await english.send("synthesize", text="It is -5 °C. Dr. Lee pays $3.")
    assert spoken_by(english) == "It is minus five degrees Celsius. Doctor Lee pays three dollars."


@pytest.mark.parametrize("size", range(1, 12))
async def test_a_number_that_comes_in_two_chunks_is_normalized_as_one(english: Listener, size: int) -> None:
    text = "Set it to 1,250.75 kWh by 10:30 pm. Call 555-1234."
    await english.send("synthesize-start")
    for at in range(0, len(text), size):
        await english.send("synthesize-chunk", text=text[at : at + size])
    await english.send("synthesize-stop")
    assert spoken_by(english) == (
        "Set it to one thousand two hundred fifty point seven five kilowatt hours by ten thirty PM. "
        "Call five five five, one two three four."
    )


async def test_text_in_ssml_is_normalized_and_its_marks_are_kept(english: Listener) -> None:
    document = "<speak>At <mark name='a'/><prosody rate='slow'>8:00</prosody> it is <mark name='b'/>20 °C.</speak>"
    await english.send("synthesize", text=document, text_format="ssml")
    assert english.letters == "Ateight o'clockit istwenty degrees Celsius."
    marks = [event.data["data"] for event in english.received if event.type == "user-event"]
    assert [mark["name"] for mark in marks] == ["a", "b"]
    assert [mark["timestamp"] for mark in marks] == [20, 10 * len("Ateight o'clockit is")]


@pytest.mark.parametrize(
    ("kind", "text", "spoken"),
    [
        ("characters", "10:30", "one, zero, colon, three, zero"),
        ("digits", "1984", "one nine eight four"),
        ("digits", "$995", "$, nine, nine, five"),
        ("telephone", "10-15", "one zero, one five"),
        ("spell-out", "NASA", "N, A, S, A"),
        ("ordinal", "3", "third"),
        ("date", "3/4/2026", "March fourth, twenty twenty-six"),
        ("cardinal", "1984", "one thousand nine hundred eighty-four"),
    ],
)
async def test_say_as_takes_precedence_over_normalization(english: Listener, kind: str, text: str, spoken: str) -> None:
    document = f"<speak>In <say-as interpret-as='{kind}'>{text}</say-as></speak>"
    await english.send("synthesize", text=document, text_format="ssml")
    assert english.letters == f"In {spoken}"


@pytest.mark.parametrize("sign", ["-", "\u2212", "$"])
async def test_a_sign_before_a_tag_belongs_to_the_number_inside(english: Listener, sign: str) -> None:
    document = (
        f"<speak>It is {sign}<prosody rate='slow'>5</prosody> now, not - <prosody rate='slow'>ever</prosody>.</speak>"
    )
    await english.send("synthesize", text=document, text_format="ssml")
    spoken = "five dollars" if sign == "$" else "minus five"
    assert english.letters.startswith(f"It is{spoken}now, not")
