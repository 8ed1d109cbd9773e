"""Policy: rights of rooms, and confirmations for everything dangerous."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.home.model import Area, Entity, Home, RoomPolicy
from wyoming_rosie_intent.engine import Answer, AreaScope, Command, Match
from wyoming_rosie_intent.execution import policy
from wyoming_rosie_intent.execution.audit_log import AuditEntry, AuditOutcome
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.policy import Permission, Policy

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
AREAS = (Area("office", "Office"), Area("kitchen", "Kitchen", ("galley",)))
LAMP = Entity("light.lamp", "Lamp", "light", "office")
LOCK = Entity("lock.front", "Front Door", "lock")
OVEN = Entity("switch.oven", "Oven", "switch", "kitchen")
GARAGE = Entity("cover.garage", "Garage Door", "cover")
CURTAIN = Entity("cover.curtain", "Curtain", "cover", "office")
PUMP = Entity("switch.pump_1", "Fountain", "switch")
ALARM = Entity("alarm_control_panel.house", "House Alarm", "alarm_control_panel")
ENTITIES = (LAMP, LOCK, OVEN, GARAGE, CURTAIN, PUMP, ALARM)
DANGEROUS = {LOCK.id, OVEN.id, GARAGE.id, ALARM.id}
HOME = Home(AREAS, ENTITIES)
OFFICE_MAY_LIGHTS = Home(AREAS, ENTITIES, rooms={"office": RoomPolicy(("light.*",))})


def order(*targets: Entity, intent: str = "HassTurnOff") -> Command:
    return Command(Match(intent), targets)


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (LOCK, True), (OVEN, True), (GARAGE, True), (ALARM, True), (LAMP, False), (CURTAIN, False), (PUMP, False),
        (Entity("cover.left", "Left", "cover", device_class="gate"), True),
        (Entity("light.garage", "Garage Light", "light"), False),
        (Entity("switch.x", "Garagentor", "switch"), True),
        (Entity("climate.x", "Backofen", "climate"), True),
        (Entity("sensor.oven", "Oven Temperature", "sensor"), False),
        (Entity("switch.x", "Proven Switch", "switch"), False),
        (Entity("script.open_garage", "Come Home", "script"), True),
    ],
)  # fmt: skip
def test_locks_alarms_garages_and_ovens_are_dangerous(entity: Entity, *, expected: bool) -> None:
    assert policy.is_dangerous(Policy(), entity) is expected


def test_the_operator_may_name_more_dangers() -> None:
    pumps = Policy(dangerous=frozenset({"switch.pump_*"}))
    assert policy.check_policy(pumps, HOME, order(PUMP), "office").permission is Permission.ASK
    assert policy.check_policy(pumps, HOME, order(PUMP), None).permission is Permission.REFUSED


JUDGED = [
    (HOME, order(LAMP), "office", Permission.ALLOWED, ()),
    (HOME, order(LAMP), None, Permission.ALLOWED, ()),
    (HOME, order(LOCK), "Office", Permission.ASK, ()),
    (HOME, order(LOCK), "galley", Permission.ASK, ()),
    (HOME, order(LOCK), None, Permission.REFUSED, (LOCK,)),
    (HOME, order(LOCK), "a room that nobody knows", Permission.REFUSED, (LOCK,)),
    (HOME, order(CURTAIN), None, Permission.ALLOWED, ()),
    (HOME, order(LOCK, intent="HassTurnOn"), "office", Permission.ALLOWED, ()),
    (HOME, order(LOCK, intent="HassToggle"), "office", Permission.ASK, ()),
    (HOME, order(LAMP, LOCK), None, Permission.ALLOWED, (LOCK,)),
    (HOME, order(LOCK, intent="HassGetState"), None, Permission.ALLOWED, ()),
    (HOME, order(), None, Permission.ALLOWED, ()),
    (OFFICE_MAY_LIGHTS, order(LAMP), "office", Permission.ALLOWED, ()),
    (OFFICE_MAY_LIGHTS, order(LOCK), "office", Permission.REFUSED, (LOCK,)),
    (OFFICE_MAY_LIGHTS, order(PUMP), "office", Permission.REFUSED, (PUMP,)),
    (OFFICE_MAY_LIGHTS, order(PUMP), "kitchen", Permission.ALLOWED, ()),
    (OFFICE_MAY_LIGHTS, order(PUMP), None, Permission.REFUSED, (PUMP,)),
    (OFFICE_MAY_LIGHTS, order(LAMP), None, Permission.ALLOWED, ()),
    (OFFICE_MAY_LIGHTS, order(LOCK, intent="HassGetState"), "office", Permission.ALLOWED, ()),
]


@pytest.mark.parametrize(("home", "command", "area", "verdict", "refused"), JUDGED)
def test_a_command_is_judged_by_its_room_and_its_danger(
    home: Home, command: Command, area: str | None, verdict: Permission, refused: tuple[Entity, ...]
) -> None:
    judged = policy.check_policy(Policy(), home, command, area)
    assert (judged.permission, judged.refused) == (verdict, refused)


def test_a_refusal_says_why() -> None:
    assert (
        policy.format_refusal(Policy(), HOME, (LOCK,), "office")
        == "Sorry, the Front Door may not be changed from the Office."
    )
    unknown = "Sorry, I leave the Front Door and the Oven alone, because I do not know which room you are in."
    assert policy.format_refusal(Policy(), HOME, (LOCK, OVEN), None) == unknown


class Recording:
    """An actor that records its targets, and the doors that it only locked."""

    def __init__(self) -> None:
        self.acted: list[str] = []
        self.locked: list[str] = []

    async def act(self, command: Command, now: datetime) -> Answer:
        for entity in command.targets if not policy.is_query(command) else ():
            only_locks = entity.domain == "lock" and command.match.intent == "HassTurnOn"
            (self.locked if only_locks else self.acted).append(entity.id)
        return Answer("Done.")

    def states(self) -> Mapping[str, Mapping[str, object]]:
        return {}


def create_executor(home: Home, actor: Recording, notes: list[AuditEntry]) -> ActionExecutor:
    return ActionExecutor(home, actor, Policy(), notes.append)


async def test_what_was_refused_asked_and_done_is_recorded_but_not_what_was_said() -> None:
    actor, notes = Recording(), list[AuditEntry]()
    executor = create_executor(OFFICE_MAY_LIGHTS, actor, notes)
    unlock = Match("HassTurnOff", {"name": "Front Door"}, "unlock the front door")
    refused = executor.plan([unlock], "office", "Ada")
    assert refused.error_messages == ("Sorry, the Front Door may not be changed from the Office.",)
    plan = executor.plan([unlock], "kitchen", "Ada")
    assert not (await executor.execute(plan.commands, MOMENT)).done
    assert actor.acted == []
    assert (await executor.execute(plan.needs_confirmation, MOMENT)).done
    assert actor.acted == ["lock.front"]
    assert [(one.outcome, one.room, one.speaker, one.entities) for one in notes] == [
        (AuditOutcome.REFUSED, "office", "Ada", ("lock.front",)),
        (AuditOutcome.ASKED, "kitchen", "Ada", ("lock.front",)),
        (AuditOutcome.DONE, "kitchen", "Ada", ("lock.front",)),
    ]
    assert "unlock the front door" not in repr(notes)


async def test_a_command_that_nobody_was_asked_about_is_not_carried_out() -> None:
    actor, notes = Recording(), list[AuditEntry]()
    answer = await create_executor(HOME, actor, notes).execute([order(LOCK)], MOMENT)
    assert not answer.done
    assert actor.acted == []
    assert [one.outcome for one in notes] == [AuditOutcome.UNASKED]


def test_a_conductor_is_not_told_to_do_what_the_room_may_not() -> None:
    notes = list[AuditEntry]()
    executor = create_executor(OFFICE_MAY_LIGHTS, Recording(), notes)
    unlock, light = Match("HassTurnOff", {"name": "Front Door"}), Match("HassTurnOn", {"name": "Lamp"})
    assert executor.get_refusals([light, unlock], "office") == (
        "Sorry, the Front Door may not be changed from the Office.",
    )
    assert executor.get_refusals([light], "office") == ()
    assert executor.get_refusals([unlock], "kitchen") == ()
    assert executor.get_refusals([unlock], None) == ()  # Home Assistant names no room, and has rules of its own
    assert [one.outcome for one in notes] == [AuditOutcome.REFUSED]


names = st.sampled_from([entity.name for entity in ENTITIES])
areas = st.sampled_from([None, "office", "Kitchen", "galley", "nowhere", ""])
intents = st.sampled_from(["HassTurnOn", "HassTurnOff", "HassSetPosition", "HassToggle", "HassGetState", "HassMadeUp"])
named = st.builds(lambda intent, name: Match(intent, {"name": name}), intents, names)
grouped = st.builds(
    lambda intent, domain, where: Match(intent, {}, domain=domain, area_scope=where),
    intents,
    st.sampled_from(sorted({entity.domain for entity in ENTITIES})),
    st.sampled_from(list(AreaScope)).filter(lambda where: where not in {AreaScope.NAMED, AreaScope.HERE}),
)
rooms = st.dictionaries(
    st.sampled_from(["office", "kitchen"]),
    st.builds(
        RoomPolicy, st.none() | st.lists(st.sampled_from(["*", "light.*", "lock.*", "cover.g*"]), max_size=2).map(tuple)
    ),
)


@given(st.lists(st.tuples(st.lists(named | grouped, max_size=4), areas, st.booleans()), max_size=5), rooms)
async def test_nothing_dangerous_is_done_without_a_yes_and_nothing_that_a_room_may_not(
    inputs: Sequence[tuple[list[Match], str | None, bool]], may: Mapping[str, RoomPolicy]
) -> None:
    home = Home(AREAS, ENTITIES, rooms=may)
    for matches, area, says_yes in inputs:
        actor, notes = Recording(), list[AuditEntry]()
        executor = create_executor(home, actor, notes)
        plan = executor.plan(matches, area)
        await executor.execute(plan.commands, MOMENT)
        assert not DANGEROUS & set(actor.acted)
        if says_yes:
            await executor.execute(plan.needs_confirmation, MOMENT)
            assert set(actor.acted) & DANGEROUS <= {one for note in notes for one in note.entities}
        if not area or area == "nowhere":
            assert not DANGEROUS & {*actor.acted, *actor.locked}
        room = home.get_area(area) if area else None
        if room and (allowed := may.get(room.id, RoomPolicy()).may) is not None and "*" not in allowed:
            assert all(
                any(one.startswith(pattern.rstrip("*")) for pattern in allowed) for one in (*actor.acted, *actor.locked)
            )
