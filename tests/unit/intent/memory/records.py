"""Random memories for property tests."""

from hypothesis import strategies as st

from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord, SpeakerRole, normalize_text

storable_texts = st.text(max_size=60).map(normalize_text)
optional_texts = st.none() | storable_texts
names = st.none() | st.sampled_from(["ada", "eve"])
rooms = st.none() | st.sampled_from(["kitchen", "office", "hall"])
conversations = st.none() | st.sampled_from(["c1", "c2"])
records = st.builds(
    MemoryRecord,
    kind=st.sampled_from(MemoryKind),
    text=storable_texts,
    at=st.floats(0, 4e9),
    person=names,
    room=rooms,
    is_private=st.booleans(),
    speaker=st.sampled_from(SpeakerRole),
    conversation=conversations,
    turn=st.none() | st.sampled_from(["t1", "t2"]),
    intent=optional_texts,
    tools=st.lists(storable_texts, max_size=2).map(tuple),
    tags=st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True).map(tuple),
    source=optional_texts,
    language=st.none() | st.sampled_from(["en", "de", "ja"]),
    topic=optional_texts,
)
