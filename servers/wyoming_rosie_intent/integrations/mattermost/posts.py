"""Posts of Mattermost, and what is said of them: rules without requests."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.markdown import MarkdownStripper
from wyoming_rosie.text.normalize import normalize, strip_emoji

MAX_POST_CHARACTERS = 16_383
"""Characters of the longest post that Mattermost takes."""
MAX_SPOKEN_CHARACTERS = 500
MAX_QUESTION_CHARACTERS = 1000
DIRECT, GROUP = "D", "G"
"""Types of channels between two persons, and between several."""
_EVERYBODY = re.compile(r"@(?=(?:here|all|channel)\b)", re.IGNORECASE)
_ZERO_WIDTH_SPACE = "\u200b"
_EMOJI_CODE = re.compile(r"(?<!\S):[a-z0-9_+-]+:(?!\S)")


@dataclass(frozen=True)
class Post:
    """A post of a person or a program; `created` is in milliseconds of the server's clock."""

    id: str
    channel_id: str
    user_id: str
    message: str = field(repr=False)
    created: int = 0
    root_id: str = ""
    is_system: bool = False
    is_from_program: bool = False
    sender: str = ""
    channel_name: str = ""
    is_direct: bool = False

    @property
    def thread_id(self) -> str:
        return self.root_id or self.id


def parse_post(data: object, *, sender: str = "", channel_name: str = "", channel_type: str = "") -> Post | None:
    """Return a post of Mattermost's JSON; None for what is none, and for a deleted one."""
    if not isinstance(data, Mapping) or data.get("delete_at"):
        return None
    texts = {key: data.get(key, "") for key in ("id", "channel_id", "user_id", "message", "root_id", "type")}
    created = data.get("create_at", 0)
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(created, int):
        return None
    kind, props = texts.pop("type"), data.get("props")
    flags = props if isinstance(props, Mapping) else {}
    is_from_program = any(str(flags.get(key)).lower() == "true" for key in ("from_bot", "from_webhook"))
    if not texts["id"] or not texts["channel_id"]:
        return None
    return Post(
        **texts,
        created=created,
        is_system=bool(kind),
        is_from_program=is_from_program,
        sender=sender.removeprefix("@"),
        channel_name=channel_name,
        is_direct=channel_type == DIRECT,
    )


def parse_posted(data: object) -> Post | None:
    """Return the post of the event "posted", which has it as JSON in a string; None for anything else."""
    if not isinstance(data, Mapping) or not isinstance(data.get("post"), str):
        return None
    try:
        post = json.loads(data["post"])
    except (ValueError, RecursionError):
        return None
    named = {key: str(data.get(key) or "") for key in ("sender_name", "channel_display_name", "channel_type")}
    return parse_post(
        post,
        sender=named["sender_name"],
        channel_name=named["channel_display_name"],
        channel_type=named["channel_type"],
    )


def neutralize(text: str) -> str:
    """Return a text to post, which calls neither everybody nor is too long."""
    return _EVERYBODY.sub(f"@{_ZERO_WIDTH_SPACE}", text)[:MAX_POST_CHARACTERS]


def to_speech(message: str, code: str) -> str:
    """Return a post as it is spoken, without Markdown and emoji; `code` stands for code blocks."""
    stripper = MarkdownStripper(code)
    plain = stripper.feed(message[: 4 * MAX_SPOKEN_CHARACTERS]) + stripper.finish()
    spoken = " ".join(_EMOJI_CODE.sub("", strip_emoji(normalize(plain))).split())
    return spoken[:MAX_SPOKEN_CHARACTERS].rstrip()


def end_sentence(text: str) -> str:
    """Return a text that ends as a sentence, so that the voice pauses."""
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def find_question(message: str, username: str) -> str | None:
    """Return a post without the mention of a user; None if it does not mention them."""
    mention = re.compile(rf"(?<![\w@])@{re.escape(username)}\b[,:]?", re.IGNORECASE)
    if not username or not mention.search(message):
        return None
    return clean_question(mention.sub(" ", message))


def clean_question(text: str) -> str:
    """Return a typed sentence in one line."""
    return " ".join(normalize(text).split())[:MAX_QUESTION_CHARACTERS].strip()


@dataclass(frozen=True)
class ChannelPolicy:
    """What a channel may do in the house; by default nothing."""

    room: str | None = None
    asks: bool = False
    may_act: bool = False
    announces: bool = False
    quiet: tuple[time, time] | None = None
    language: str = "en"

    @classmethod
    def parse(cls, name: str, table: object) -> "ChannelPolicy":
        """Parse the table of a channel. Raises ConfigError."""
        if not isinstance(table, Mapping):
            raise ConfigError(f"channels.{name} must be a table of settings")
        known = {"room", "asks", "may_act", "announces", "quiet", "language"}
        if unknown := table.keys() - known:
            raise ConfigError(f"channels.{name}.{min(unknown)} is unknown; there are: {', '.join(sorted(known))}")
        policy = cls(
            _text(name, table, "room"),
            _flag(name, table, "asks"),
            _flag(name, table, "may_act"),
            _flag(name, table, "announces"),
            parse_hours(table["quiet"]) if "quiet" in table else None,
            _text(name, table, "language") or "en",
        )
        if policy.announces and policy.room is None:
            raise ConfigError(f'channels.{name} announces its posts: write the room = "…" where they are spoken')
        return policy

    def is_quiet(self, moment: datetime) -> bool:
        """Return whether nothing is spoken at a moment; quiet hours may go over midnight."""
        if self.quiet is None:
            return False
        start, end = self.quiet
        now = moment.time()
        return start <= now < end if start <= end else now >= start or now < end


def parse_hours(text: object) -> tuple[time, time]:
    """Return the start and the end of hours such as "22:00-07:00". Raises ConfigError."""
    try:
        start, end = (time.fromisoformat(part.strip()) for part in str(text).split("-"))
    except ValueError as err:
        raise ConfigError(f"quiet = {text!r} are no hours; write them as 22:00-07:00") from err
    return start, end


def _text(name: str, table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"channels.{name}.{key} must be a text")
    return value


def _flag(name: str, table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError(f"channels.{name}.{key} must be true or false")
    return value
