"""The sentences that are said about commands, in the language that they were given in."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from wyoming_rosie.home.model import Area, Entity
from wyoming_rosie.text import durations
from wyoming_rosie_intent.engine import Command, Match, Where
from wyoming_rosie_intent.responses import catalog, ha_responses
from wyoming_rosie_intent.responses.catalog import Phrases
from wyoming_rosie_intent.rules import todo_lists

_ROUTINES = frozenset({"scene", "script"})
_NO_ARTICLE = _ROUTINES | {"person"}
_MOST_READY = 64
_OTHER_ORDER = "order.other"
_book = Phrases()
_ready: set[str] = set()


def use(folder: Path) -> None:
    """Say things as the tables in a folder have it, once at start. Raises ConfigError."""
    global _book
    _book = Phrases(folder)
    _ready.clear()


def is_ready(language: str) -> bool:
    """Tell whether things can be said in a language without reading a file first."""
    return language in _ready


def prepare(language: str) -> None:
    """Read what is said in a language. Blocks; to be done before anything is said in it."""
    if len(_ready) >= _MOST_READY:
        _ready.clear()
    _ready.add(language)
    _book.prepare(language)
    todo_lists.prepare(language)
    if not _book.has("said.cannot", language) or not _book.has("done.HassMediaNext", language):
        ha_responses.prepare(language)


def speaks(language: str) -> bool:
    """Tell whether there is a table of phrases for a language."""
    return _book.has("said.cannot", language)


def say(key: str, language: str = "en", **values: object) -> str:
    """Return a phrase of the table [said]."""
    return _book.say(f"said.{key}", language, **values)


def small_talk(kind: str, language: str = "en") -> str:
    """Answer what HassRespond is about; a greeting when nobody knows what that is."""
    known = _book.words(f"small_talk.{kind}", language) is not None
    return _book.say(f"small_talk.{kind if known else 'hello'}", language)


def state(name: str, language: str = "en") -> str:
    """Return a state or colour in words."""
    known = _book.words(f"states.{name}", language) if _book.has(f"states.{name}", language) else None
    return str(known or name.replace("_", " "))


def days(key: str, language: str = "en") -> Sequence[str]:
    """Return the names of weekdays or months; nothing where the language has no table of them."""
    return list(_book.words(f"days.{key}", language) or ())


def day(key: str, language: str = "en") -> str:
    """Return "today" or "tomorrow" in words, else what was given."""
    return str(_book.words(f"days.{key}", language) or key)


def done(command: Command, targets: Sequence[Entity]) -> str:
    """Say what was done to `targets`."""
    match = command.match
    language = match.language
    keys = [f"done.{kind}" for kind in (_kind(match, targets), match.intent)]
    if not any(_book.has(key, language) for key in keys) and (said := ha_responses.say(match, targets)):
        named = things(match, targets)
        return said if named.casefold() in said.casefold() else f"{named[:1].upper()}{named[1:]}: {said}"
    return _of_command(next((key for key in keys if _known(key, language)), "done.other"), match, targets)


def question(commands: Iterable[Command], seconds: int = 0) -> str:
    """Ask whether to carry out the commands, at once or after some time."""
    asked = list(commands)
    language = asked[0].match.language if asked else "en"
    orders = [_order(command) for command in asked]
    if not seconds:
        return say("question", language, orders=orders)
    return say("question_later", language, orders=orders, time=durations.format_duration(seconds, language))


def orders(commands: Sequence[Command]) -> str | None:
    """Return the commands in words, such as "turn off the TV"; None when there are no words for one."""
    if not commands or any(_order_key(command) == _OTHER_ORDER for command in commands):
        return None
    return listed([_order(command) for command in commands], commands[0].match.language)


def impossible(command: Command) -> str:
    """Say that nothing of what the command names can do such a thing, or that its list has no such item or no room."""
    match = command.match
    if "item" not in match.slots:
        return _of_command("said.impossible", match, command.targets)
    key = "said.list_is_full" if match.intent.endswith("AddItem") else "said.not_on_list"
    return _of_command(key, match, command.targets)


def already_there(command: Command) -> str:
    """Say that the list has the item."""
    return _of_command("said.already_on_list", command.match, command.targets)


def which_list(lists: Sequence[Entity], language: str = "en", *, shopping: bool) -> str:
    """Ask which list is meant; no list is one for shopping, if that was said."""
    return say("which_list", language, names=[entity.name for entity in lists], shopping=shopping)


def cannot_be(match: Match, targets: Sequence[Entity]) -> str:
    """Say that a light has no such colour or brightness."""
    return _of_command("said.cannot_be", match, targets)


def nothing_there(domain: str, classes: Sequence[str], area: str | None, language: str = "en") -> str:
    """Say that there are no such things in the area, or at all."""
    return say("nothing_there", language, kind=kind_of_things(domain, classes, language), area=area)


def not_in(name: str, area: str, language: str = "en") -> str:
    """Say that the thing is not where it was said to be."""
    return say("not_in", language, name=name, area=area)


def which_one(name: str, areas: Sequence[Area], language: str = "en") -> str:
    """Ask the speaker to say it again with a room; there are several."""
    return say("which_one", language, name=name, areas=[area.name for area in areas])


def things(match: Match, targets: Sequence[Entity]) -> str:
    """Name the things that a command is about."""
    language = match.language
    if len(targets) == 1:
        return called(targets[0], language)
    if "name" in match.slots:
        return the(str(match.slots["name"]), language)
    if not targets:
        return _book.say("grammar.that", language)
    kind = kind_of_things(targets[0].domain, match.any_of("device_class"), language)
    if "floor" in match.slots and _known("grammar.group_on", language):
        return _book.say("grammar.group_on", language, kind=kind, area=match.slots["floor"])
    in_one = match.where in {Where.SAID, Where.HERE} and all(entity.area == targets[0].area for entity in targets)
    key = "group_in" if in_one else "group"
    return _book.say(f"grammar.{key}", language, kind=kind, area=match.slots.get("area"))


def kind_of_things(domain: str, classes: Sequence[str] = (), language: str = "en") -> str:
    """Return the plural for what a domain, or the first of some device classes, holds."""
    if classes:
        return _book.say("kinds.of_class", language, device_class=classes[0])
    key = f"kinds.{domain}"
    return _book.say(key if _known(key, language) else "kinds.other", language)


def the(name: str, language: str = "en") -> str:
    """Put an article before a name that has none of its own, where the language does so."""
    return _book.say("grammar.the", language, name=name)


def called(entity: Entity, language: str = "en") -> str:
    """Return what a thing is called in a sentence; people and routines have no article."""
    return entity.name if entity.domain in _NO_ARTICLE else the(entity.name, language)


def measured(value: float, unit: str, language: str = "en") -> str:
    """Return a number with its unit of measurement in words: "21.5 degrees", "45 percent"."""
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    number = f"{round(value, digits) + 0.0:.{digits}f}"  # of -0.001 no minus
    number = number.rstrip("0").rstrip(".") if digits else number
    spoken = number.replace(".", str(_book.words("grammar.decimal", language)))
    return " ".join(filter(None, (spoken, _unit(unit.strip(), language, is_one=number == "1"))))


def _unit(unit: str, language: str, *, is_one: bool) -> str:
    """Return a unit in words; of "km/h" both parts."""
    of, slash, by = unit.partition("/")
    forms = _book.words(f"units.{unit}", language) if unit else None
    if forms:
        return str(forms[0 if is_one else -1])
    if slash and of and _book.words(f"units.{of}", language) and _book.words(f"units.{by}", language):
        per = _book.words("units.per", language)
        return f"{_unit(of, language, is_one=is_one)} {per} {_unit(by, language, is_one=True)}"
    return unit


def is_or_are(name: str, language: str = "en") -> str:
    """Return the verb for a thing's name: curtains are, a lamp is."""
    last = (name.split() or [""])[-1].casefold()
    many = last.endswith(tuple(_book.words("grammar.many", language)))
    return _book.say("grammar.are" if many else "grammar.is", language)


def are(language: str = "en") -> str:
    """Return the verb for several things."""
    return _book.say("grammar.are", language)


def listed(words: Sequence[str], language: str = "en") -> str:
    """Return "a, b and c"."""
    return catalog.listed(words, str(_book.words("grammar.and", language)))


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _known(key: str, language: str) -> bool:
    return _book.words(key, language) is not None


def _order(command: Command) -> str:
    return _of_command(_order_key(command), command.match, command.targets)


def _order_key(command: Command) -> str:
    match = command.match
    keys = (f"order.{_kind(match, command.targets)}", f"order.{match.intent}")
    return next((key for key in keys if _known(key, match.language)), _OTHER_ORDER)


def _of_command(key: str, match: Match, targets: Sequence[Entity]) -> str:
    names = [entity.name for entity in targets]
    values = {**match.slots, "value": _light(match), "things": things(match, targets), "names": names}
    return _book.say(key, match.language, **values)


def _kind(match: Match, targets: Sequence[Entity]) -> str:
    return f"{match.intent} {targets[0].domain}" if targets else match.intent


def _light(match: Match) -> str:
    """Return what a light is set to: its colour, its brightness or both."""
    slots, language = match.slots, match.language
    said = [state(str(slots["color"]), language)] if "color" in slots else []
    if "brightness" in slots:
        said.append(say("brightness", language, brightness=slots["brightness"]))
    return listed(said or [say("kelvin", language, temperature=slots.get("temperature"))], language)
