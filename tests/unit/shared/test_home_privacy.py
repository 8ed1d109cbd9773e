"""Privacy of rooms: what must stay in the home is decided by one rule."""

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.home.model import Area, Home, RoomPolicy
from wyoming_rosie_intent.llm.router import Tier, create_request, order_tiers

AREAS = (Area("kitchen", "Kitchen", ("Küche",)), Area("bedroom", "Bedroom", ("den",)), Area("hall", "Hall"))
NAMES = {name.casefold(): area.id for area in AREAS for name in (area.id, *area.names)}
policies = st.dictionaries(
    st.sampled_from(["kitchen", "bedroom", "hall"]), st.builds(RoomPolicy, private=st.booleans())
)
spoken_in = st.one_of(st.none(), st.sampled_from(["kitchen", "KÜCHE", "Bedroom", "Den", "hall"]), st.text(max_size=8))


@given(rooms=policies, area=spoken_in)
def test_a_known_room_is_as_private_as_its_policy_and_an_unknown_one_as_any_room(
    rooms: dict[str, RoomPolicy], area: str | None
) -> None:
    known = NAMES.get(area.casefold()) if area is not None else None
    meant = rooms.values() if known is None else [rooms.get(known, RoomPolicy())]
    home = Home(AREAS, rooms=rooms)
    assert home.must_stay_home(area) is any(policy.private for policy in meant)
    here = home.get_area(area) if area else None
    tiers = order_tiers(create_request("what is the capital of France", home, here))
    assert (Tier.CLOUD in tiers) is not home.must_stay_home(area)
