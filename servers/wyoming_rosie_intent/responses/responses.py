"""Spoken responses to commands, in the language of the command."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from wyoming_rosie.home.model import Area, Entity
from wyoming_rosie.text import durations, numbers
from wyoming_rosie_intent.engine import (
    EXCEPTION_SLOTS,
    OWN_SLOTS,
    AreaScope,
    Command,
    Match,
    SlotAlternatives,
    SlotValue,
)
from wyoming_rosie_intent.responses import catalog, ha_responses
from wyoming_rosie_intent.responses.catalog import ResponseCatalog
from wyoming_rosie_intent.rules import todo_lists

_ROUTINES = frozenset({"scene", "script"})
_NO_ARTICLE = _ROUTINES | {"person"}
_MAX_PREPARED = 64
_MAX_NAMED = 4
_OTHER_COMMAND = "order.other"
_MODE_SLOTS = frozenset({"hvac_mode", "mode", "preset_mode"})
_catalog = ResponseCatalog()
_prepared: set[str] = set()


def load_folder(folder: Path) -> None:
    """Override phrases by the tables of a folder, once at start. Raises ConfigError."""
    global _catalog
    _catalog = ResponseCatalog(folder)
    _prepared.clear()


def is_prepared(language: str) -> bool:
    """Return whether a language is loaded, so that rendering reads no file."""
    return language in _prepared


def prepare(language: str) -> None:
    """Load the phrases of a language before its first use. Blocks."""
    if len(_prepared) >= _MAX_PREPARED:
        _prepared.clear()
    _prepared.add(language)
    _catalog.prepare(language)
    todo_lists.prepare(language)
    numbers.load()
    if not _catalog.has_phrase("said.cannot", language) or not _catalog.has_phrase("done.HassMediaNext", language):
        ha_responses.prepare(language)


def has_language(language: str) -> bool:
    """Return whether a language has phrases of its own."""
    return _catalog.has_phrase("said.cannot", language)


def render(key: str, language: str = "en", **values: object) -> str:
    """Render a phrase of the table [said]."""
    return _catalog.render(f"said.{key}", language, **values)


def render_small_talk(kind: str, language: str = "en", **values: object) -> str:
    """Answer HassRespond, with a greeting for unknown kinds."""
    known = _catalog.get_value(f"small_talk.{kind}", language) is not None
    return _catalog.render(f"small_talk.{kind if known else 'hello'}", language, **values)


def render_examples(things: Sequence[Entity], language: str = "en") -> str:
    """Say some sentences that work in this home, with the names of things in it."""
    keys = [(f"examples.{entity.domain}", name_entity(entity, language)) for entity in things]
    said = [_catalog.render(key, language, name=name) for key, name in (*keys, ("examples.timer", ""))]
    listed = catalog.join_words(said, str(_catalog.get_value("examples.or", language)))
    return render_small_talk("commands", language, said=listed)


def translate_state(name: str, language: str = "en") -> str:
    """Translate a state or colour."""
    known = _catalog.get_value(f"states.{name}", language) if _catalog.has_phrase(f"states.{name}", language) else None
    return str(known or name.replace("_", " "))


def get_day_names(key: str, language: str = "en") -> Sequence[str]:
    """Return the names of weekdays or months; empty without a table of them."""
    return list(_catalog.get_value(f"days.{key}", language) or ())


def translate_day(key: str, language: str = "en") -> str:
    """Translate "today" or "tomorrow"; return other texts unchanged."""
    return str(_catalog.get_value(f"days.{key}", language) or key)


def render_done(command: Command, targets: Sequence[Entity]) -> str:
    """Confirm that the command was executed on `targets`."""
    match = command.match
    language = match.language
    if any(slot in OWN_SLOTS and slot.endswith("_step") for slot in match.slots):
        return _render_command("done.other", match, targets)  # a value that only the executor knows
    keys = [f"done.{kind}" for kind in (_domain_key(match, targets), match.intent)]
    if not any(_catalog.has_phrase(key, language) for key in keys) and (
        response := ha_responses.render_response(match, targets)
    ):
        named = name_targets(match, targets)
        return response if named.casefold() in response.casefold() else f"{named[:1].upper()}{named[1:]}: {response}"
    return _render_command(next((key for key in keys if _has_value(key, language)), "done.other"), match, targets)


def render_question(commands: Iterable[Command], seconds: int = 0) -> str:
    """Ask whether to execute the commands, now or after some seconds."""
    listed = list(commands)
    language = listed[0].match.language if listed else "en"
    orders = [_format_command(command) for command in listed]
    if not seconds:
        return render("question", language, orders=orders)
    return render("question_later", language, orders=orders, time=durations.format_duration(seconds, language))


def format_commands(commands: Sequence[Command]) -> str | None:
    """Return the commands as text, such as "turn off the TV"; None when one has no phrase."""
    if not commands or any(_get_command_key(command) == _OTHER_COMMAND for command in commands):
        return None
    return join_words([_format_command(command) for command in commands], commands[0].match.language)


def render_undone(targets: Sequence[Entity], language: str = "en") -> str:
    """Say what is as it was before: a few by name, many by their kind."""
    return render("undone", language, names=_name_few(targets, language))


def render_not_undone(unknown: Sequence[Entity], language: str = "en") -> str:
    """Say why nothing was put back: it is not known how these were before, or, without any, nothing puts it back."""
    return render("unknown_before" if unknown else "cannot_undo", language, names=_name_few(unknown, language))


def _name_few(targets: Sequence[Entity], language: str) -> list[str]:
    if len(targets) <= _MAX_NAMED:
        return [entity.name for entity in targets]
    kinds = {entity.domain for entity in targets}
    return [f"{len(targets)} {name_class(kinds.pop() if len(kinds) == 1 else 'other', (), language)}"]


def summarize_values(match: Match, resolved: Sequence[Match]) -> Match:
    """Return the match with the values that it was resolved to; of several numbers, their range: "20 to 60"."""
    if len(resolved) < 2:
        return resolved[0] if resolved else match
    slots = {slot: [one.slots[slot] for one in resolved] for slot in resolved[0].slots}
    return replace(resolved[0], slots={slot: _join_values(values, match.language) for slot, values in slots.items()})


def render_off_already(command: Command) -> str:
    """Say that the targets are off, so that there is nothing to change."""
    language, targets = command.match.language, command.targets
    verb = get_plural_verb(language) if len(targets) > 1 else get_verb(targets[0].name, language)
    named, state = name_targets(command.match, targets), translate_state("off", language)
    return to_sentence(render("is", language, **{"name": named, "is": verb, "state": state}))


def render_impossible(command: Command) -> str:
    """Say that no target supports the command, or that the list lacks the item or is full."""
    match = command.match
    if "item" not in match.slots:
        return _render_command("said.impossible", match, command.targets)
    key = "said.list_is_full" if match.intent.endswith("AddItem") else "said.not_on_list"
    return _render_command(key, match, command.targets)


def render_already_listed(command: Command) -> str:
    """Say that the item is on the list already."""
    return _render_command("said.already_on_list", command.match, command.targets)


def ask_which_list(lists: Sequence[Entity], language: str = "en", *, shopping: bool) -> str:
    """Ask which list is meant; with `shopping`, a shopping list was asked for and there is none."""
    return render("which_list", language, names=[entity.name for entity in lists], shopping=shopping)


def render_unsupported_light(match: Match, targets: Sequence[Entity]) -> str:
    """Say that the lights do not support the colour or brightness."""
    has_value = not match.slots.keys().isdisjoint(("brightness", "color", "temperature"))
    return _render_command("said.cannot_be" if has_value else "said.impossible", match, targets)


def render_no_targets(domain: str, classes: Sequence[str], area: str | None, language: str = "en") -> str:
    """Say that the area, or the home, has no such entities."""
    return render("nothing_there", language, kind=name_class(domain, classes, language), area=area)


def render_not_in_area(name: str, area: str, language: str = "en") -> str:
    """Say that the entity is not in the named area."""
    return render("not_in", language, name=name, area=area)


def ask_which_area(name: str, areas: Sequence[Area], language: str = "en") -> str:
    """Ask for the command again with an area, since several entities match."""
    return render("which_one", language, name=name, areas=[area.name for area in areas])


def name_targets(match: Match, targets: Sequence[Entity]) -> str:
    """Return the targets of a command as a noun phrase."""
    language = match.language
    if len(targets) == 1:
        return name_entity(targets[0], language)
    if "name" in match.slots:
        return add_article(str(match.slots["name"]), language)
    if not targets:
        return _catalog.render("grammar.that", language)
    if not EXCEPTION_SLOTS.isdisjoint(match.slots) and len(targets) <= _MAX_NAMED:
        return join_words([name_entity(target, language) for target in targets], language)
    kind = name_class(targets[0].domain, match.slot_texts("device_class"), language)
    if "floor" in match.slots and _has_value("grammar.group_on", language):
        return _catalog.render("grammar.group_on", language, kind=kind, area=match.slots["floor"])
    in_one = match.area_scope in {AreaScope.NAMED, AreaScope.HERE} and all(
        entity.area == targets[0].area for entity in targets
    )
    key = "group_in" if in_one else "group"
    return _catalog.render(f"grammar.{key}", language, kind=kind, area=match.slots.get("area"))


def name_class(domain: str, classes: Sequence[str] = (), language: str = "en") -> str:
    """Return the plural noun for a domain, or for the first of some device classes."""
    if classes:
        return _catalog.render("kinds.of_class", language, device_class=classes[0])
    key = f"kinds.{domain}"
    return _catalog.render(key if _has_value(key, language) else "kinds.other", language)


def add_article(name: str, language: str = "en") -> str:
    """Add the article to a name that has none, if the language uses one."""
    return _catalog.render("grammar.the", language, name=name)


def name_entity(entity: Entity, language: str = "en") -> str:
    """Return an entity's name for use in a sentence; people, scenes and scripts get no article."""
    return entity.name if entity.domain in _NO_ARTICLE else add_article(entity.name, language)


def format_measurement(value: float, unit: str, language: str = "en") -> str:
    """Return a number with its unit in words: "21.5 degrees", "45 percent"."""
    spoken_number = format_number(value, 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0, language)
    return " ".join(filter(None, (spoken_number, _format_unit(unit.strip(), language, is_one=spoken_number == "1"))))


def format_number(value: float, digits: int, language: str = "en") -> str:
    """Return a number with at most that many digits after the decimal sign of the language."""
    number = f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0 turns -0.0 into 0.0
    number = number.rstrip("0").rstrip(".") if digits else number
    return number.replace(".", str(_catalog.get_value("grammar.decimal", language)))


def _format_unit(unit: str, language: str, *, is_one: bool) -> str:
    """Return a unit in words; of "km/h" both parts."""
    numerator, slash, denominator = unit.partition("/")
    forms = _catalog.get_value(f"units.{unit}", language) if unit else None
    if forms:
        return str(forms[0 if is_one else -1])
    if (
        slash
        and numerator
        and _catalog.get_value(f"units.{numerator}", language)
        and _catalog.get_value(f"units.{denominator}", language)
    ):
        per = _catalog.get_value("units.per", language)
        return f"{_format_unit(numerator, language, is_one=is_one)} {per} {_format_unit(denominator, language, is_one=True)}"
    return unit


def get_verb(name: str, language: str = "en") -> str:
    """Return "is" or "are" by the ending of a name."""
    last = (name.split() or [""])[-1].casefold()
    many = last.endswith(tuple(_catalog.get_value("grammar.many", language)))
    return _catalog.render("grammar.are" if many else "grammar.is", language)


def get_plural_verb(language: str = "en") -> str:
    """Return the verb for several entities."""
    return _catalog.render("grammar.are", language)


def join_words(words: Sequence[str], language: str = "en") -> str:
    """Join words like "a, b and c" in a language."""
    return catalog.join_words(words, str(_catalog.get_value("grammar.and", language)))


def to_sentence(text: str) -> str:
    """Capitalize a text and end it with a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _has_value(key: str, language: str) -> bool:
    return _catalog.get_value(key, language) is not None


def _format_command(command: Command) -> str:
    return _render_command(_get_command_key(command), command.match, command.targets)


def _get_command_key(command: Command) -> str:
    match = command.match
    keys = (f"order.{_domain_key(match, command.targets)}", f"order.{match.intent}")
    return next((key for key in keys if _has_value(key, match.language)), _OTHER_COMMAND)


def _render_command(key: str, match: Match, targets: Sequence[Entity]) -> str:
    names = [entity.name for entity in targets]
    modes = {slot: translate_state(str(match.slots[slot]), match.language) for slot in _MODE_SLOTS & match.slots.keys()}
    values = {
        **match.slots,
        **modes,
        "value": _format_light_value(match),
        "things": name_targets(match, targets),
        "names": names,
    }
    return _catalog.render(key, match.language, **values)


def _domain_key(match: Match, targets: Sequence[Entity]) -> str:
    return f"{match.intent} {targets[0].domain}" if targets else match.intent


def _join_values(values: Sequence[SlotValue | SlotAlternatives], language: str) -> SlotValue | SlotAlternatives:
    """Return the only value, or the range of several numbers as text."""
    numbers = [value for value in values if isinstance(value, (int, float))]
    if len(numbers) < len(values) or len(set(numbers)) == 1:
        return values[0]
    return render("range", language, low=f"{min(numbers):g}", high=f"{max(numbers):g}")


def _format_light_value(match: Match) -> str:
    """Return the values of a light command as text: colour, brightness or both."""
    slots, language = match.slots, match.language
    values = [translate_state(str(slots["color"]), language)] if "color" in slots else []
    if "brightness" in slots:
        values.append(render("brightness", language, brightness=slots["brightness"]))
    if "color" not in slots and ("temperature" in slots or not values):
        values.append(render("kelvin", language, temperature=slots.get("temperature")))
    return join_words(values, language)
