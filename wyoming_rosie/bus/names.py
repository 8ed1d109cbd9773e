"""Names of topics, streams and subjects."""

import hashlib
import re

from wyoming_rosie.bus.errors import BadMessageError

MAX_TOKEN_LENGTH = 64
_DEVICE_ID = re.compile(r"[a-z0-9_-]{1,64}")
_NOT_TOKEN = re.compile(r"[^a-z0-9_-]+")

# Redis streams
AUDIO_RAW = "audio:raw"
AUDIO_CLASSIFIED = "audio:classified"
AUDIO_INCOMING = "audio:incoming"
AUDIO_TRANSCRIBED = "audio:transcribed"
VISION_RAW = "vision:raw"
VISION_FILTERED = "vision:filtered"
VISION_JOBS = "vision:jobs:frigate"
LLM_INCOMING = "llm:incoming"
LLM_JOBS = "llm:jobs"
DEAD_STREAMS = "dead"


GROUPS = {
    AUDIO_RAW: "classify",
    AUDIO_CLASSIFIED: "router",
    AUDIO_INCOMING: "asr",
    AUDIO_TRANSCRIBED: "intent",
    VISION_RAW: "edge",
    VISION_FILTERED: "events",
    VISION_JOBS: "frigate",
    LLM_INCOMING: "mind",
}
"""The consumer group of each stream."""
LIMITS = {AUDIO_INCOMING: 1_000, VISION_RAW: 500, VISION_FILTERED: 5_000, VISION_JOBS: 500, LLM_INCOMING: 5_000}
"""Entries that a stream may have before producers must wait; DEFAULT_LIMIT for the others."""
DEFAULT_LIMIT = 10_000
DECISION_SECONDS = 86_400.0
"""How long decisions and keys that were seen are remembered."""

# NATS subjects
AUDIO_EVENT_CLASSIFIED = "audio.event.classified"
VOICE_INTENT = "voice.intent"
VISION_EVENT = "vision.event"
LLM_ROUTE = "llm.route"
LLM_RESPONSE = "llm.response"
AUTOMATION_RESULT = "automation.result"
DEAD_SUBJECTS = "dead"

DELTA = "delta"

VOICE_STREAM, VISION_STREAM = "VOICE", "VISION"
JOBS_STREAM, RESPONSES_STREAM = "LLM_JOBS", "LLM_RESPONSES"
RESULTS_STREAM, DEAD_STREAM = "AUTOMATION", "DEAD"

ROUTES = ("automation", "media", "chat.small", "chat.large", "tools")


def escape_token(text: str) -> str:
    """Return a text as one token of a subject or topic: no separators, no wildcards."""
    return _NOT_TOKEN.sub("_", text.lower())[:MAX_TOKEN_LENGTH] or "_"


def unique_token(text: str) -> str:
    """Return a text as one token: itself if it is one, else escaped and with a hash, so that two texts share none."""
    token = escape_token(text)
    if token == text:
        return token
    return f"{token[: MAX_TOKEN_LENGTH - 9]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def check_device_id(text: str) -> str:
    """Return a device or camera ID that is valid. Raises BadMessageError."""
    if not _DEVICE_ID.fullmatch(text):
        raise BadMessageError("a device ID has 1 to 64 of a-z, 0-9, _ and -")
    return text


def voice_topic(device_id: str, leaf: str) -> str:
    """Return the MQTT topic of a voice device."""
    return f"voice/{check_device_id(device_id)}/{leaf}"


def camera_topic(camera_id: str, leaf: str) -> str:
    """Return the MQTT topic of an edge camera."""
    return f"cameras/{check_device_id(camera_id)}/{leaf}"


def intent_subject(domain: str, action: str) -> str:
    """Return the subject of a command, such as voice.intent.light.turn_on."""
    return f"{VOICE_INTENT}.{escape_token(domain)}.{escape_token(action)}"


def action_of(intent: str) -> str:
    """Return an intent's name as an action: HassTurnOn is turn_on."""
    words = re.findall(r"[A-Z][a-z]*", intent.removeprefix("Hass")) or [intent]
    return escape_token("_".join(words))


def vision_subject(*tokens: str) -> str:
    """Return the subject of something seen, such as vision.event.person."""
    return ".".join([VISION_EVENT, *(escape_token(token) for token in tokens)])


def route_subject(route: str) -> str:
    """Return the subject of a model job; `route` is one of ROUTES."""
    if route not in ROUTES:
        raise BadMessageError(f"there is no route '{route}'; there are: {', '.join(ROUTES)}")
    return f"{LLM_ROUTE}.{route}"


def response_subject(session: str) -> str:
    """Return the subject of the answers for a session."""
    return f"{LLM_RESPONSE}.{unique_token(session)}"


def delta_subject(session: str) -> str:
    """Return the subject of the pieces of an answer, which no stream stores."""
    return f"{response_subject(session)}.{DELTA}"


def result_subject(key: str) -> str:
    """Return the subject of a message's only result."""
    return f"{AUTOMATION_RESULT}.{unique_token(key)}"


def recorded_answer(name: str) -> str:
    """Return the name under which the answer of what is done at most once is remembered."""
    return f"final:{name}"


def model_answer(key: str) -> str:
    """Return the name of the answer to a prompt, for `recorded_answer`."""
    return f"llm:{key}"


def dead_stream(stream: str) -> str:
    """Return the Redis stream of dead letters."""
    return f"{DEAD_STREAMS}:{stream}"


def dead_subject(subject: str) -> str:
    """Return the NATS subject of dead letters."""
    return f"{DEAD_SUBJECTS}.{subject}"


def group_of(stream: str) -> str:
    """Return the consumer group of a stream."""
    return GROUPS.get(stream, "workers")


def limit_of(stream: str) -> int:
    """Return how many entries a stream may have."""
    return LIMITS.get(stream, DEFAULT_LIMIT)


def matches_subject(pattern: str, subject: str) -> bool:
    """Return whether a subject matches a pattern of NATS: * is one token, > is all that follow."""
    return _matches(pattern.split("."), subject.split("."), "*", ">", least_rest=1)


def matches_topic(pattern: str, topic: str) -> bool:
    """Return whether a topic matches a filter of MQTT: + is one level, # is any number of them.

    A wildcard in the first place leaves out the topics of the broker itself, which begin with $.
    """
    if topic.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    return _matches(pattern.split("/"), topic.split("/"), "+", "#", least_rest=0)


def _matches(pattern: list[str], tokens: list[str], one: str, rest: str, least_rest: int) -> bool:
    if pattern[-1] == rest:
        return len(tokens) >= len(pattern) - 1 + least_rest and _matches_each(pattern[:-1], tokens, one)
    return len(pattern) == len(tokens) and _matches_each(pattern, tokens, one)


def _matches_each(pattern: list[str], tokens: list[str], one: str) -> bool:
    return all(wanted in (one, token) for wanted, token in zip(pattern, tokens, strict=False))
