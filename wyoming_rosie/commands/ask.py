"""`wyoming-rosie ask`: send a sentence to an intent daemon, and answer its follow-up question."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from cyclopts import Parameter
from rich.console import Console
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.audio.files import STDIN
from wyoming_rosie.commands import pipeline, processes
from wyoming_rosie.commands.conformance import info as conformance_info
from wyoming_rosie.commands.diagnostics.services import simulated_home
from wyoming_rosie.commands.launch_plan import local_uri
from wyoming_rosie.commands.pipeline import ANSWER_SECONDS, HomeFile, Language, StageOptions, StageParameter
from wyoming_rosie.errors import ConfigError, NotUnderstoodError, RosieError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.address import Tcp, Tls
from wyoming_rosie.protocol.client import connect, describe
from wyoming_rosie.protocol.service_browser import find_services
from wyoming_rosie.trust import membership

DESCRIBE_SECONDS = 1.0
DISCOVERY_SECONDS = 1.0
"""Discovery time on the network."""
QUESTION_SECONDS = 30.0
"""Time for which an intent daemon waits for the answer to its question."""
_NO_OPTIONS = StageOptions()
ANSWERS = ("handled", "not-handled", "intent", "not-recognized")


@dataclass(frozen=True)
class AskSession:
    """A conversation with an intent daemon, with all that `--continue` needs."""

    uri: str | None  # None: a daemon that this command starts and stops
    conversation_id: str
    area: str | None = None
    language: str | None = None
    home: str | None = None
    engine: str | None = None
    asked: str = ""  # the sentence that the daemon answered with a question
    until: float = 0.0  # seconds since the epoch


async def ask(
    text: Annotated[str, Parameter(help="a sentence, or - for standard input")],
    /,
    *,
    area: Annotated[str | None, Parameter(help="area of the speaker, such as Kitchen")] = None,
    home: HomeFile = None,
    language: Language = None,
    own: Annotated[bool, Parameter(help="start an intent daemon even if one is running", negative=())] = False,
    is_reply: Annotated[
        bool, Parameter(name="--continue", help="answer the question of the previous call: --continue yes", negative=())
    ] = False,
    stage: StageParameter = _NO_OPTIONS,
) -> None:
    """Send a sentence to an intent daemon, which acts on it; print the answer.

    The daemon is that at --uri, else this machine's, else one that is announced, else one that this command starts;
    stderr says which. On a terminal, a follow-up question can be answered at once.
    """
    sentence = pipeline.read_text(text)
    if is_reply:
        earlier = await asyncio.to_thread(_load_session)
        session = replace(earlier, area=area or earlier.area, language=language or earlier.language)
    else:
        uri = stage.uri or (None if own or home or stage.engine else await find_intent_service())
        session = AskSession(uri, uuid4().hex, area, language, str(home.resolve()) if home else None, stage.engine)
    async with _open_service(session) as uri:
        if is_reply and session.uri is None:
            # The daemon that asked has stopped without acting: the new one must ask again first.
            await _send_text(uri, session, session.asked)
        answer = await _send_text(uri, session, sentence)
        _print_answer(answer, stage)
        can_type = not stage.json and text != STDIN
        while can_type and _expects_reply(answer) and (reply := await _read_reply()):
            sentence, answer = reply, await _send_text(uri, session, reply)
            _print_answer(answer, stage)
    if _expects_reply(answer):
        await asyncio.to_thread(_save_session, replace(session, asked=sentence, until=time.time() + QUESTION_SECONDS))


async def find_intent_service() -> str | None:
    """Return the URI of this machine's intent daemon, else of the first announced one that answers, else None."""
    if (uri := _configured_uri()) and await _is_intent_service(uri):
        return uri
    with suppress(OSError):  # no network at all
        for found in await find_services(DISCOVERY_SECONDS, "intent", membership=membership.current()):
            if await _is_intent_service(found.uri):
                return found.uri
    return None


def _configured_uri() -> str | None:
    """Return the URI of this machine's intent daemon by its settings; None if the port is not fixed."""
    uri = config.read_setting("intent", "uri") or f"tcp://127.0.0.1:{BY_ROLE['intent'].port}"
    configured = address.parse(str(uri))
    is_fixed = isinstance(configured, address.Unix) or (isinstance(configured, Tcp | Tls) and configured.port != 0)
    return local_uri(str(uri)) if is_fixed else None


async def _is_intent_service(uri: str) -> bool:
    try:
        info = await describe(uri, DESCRIBE_SECONDS, role="intent")
    except RosieError:
        return False
    return bool(info.handle or info.intent)


@asynccontextmanager
async def _open_service(session: AskSession) -> AsyncIterator[str]:
    """Yield the URI of the intent daemon to use, and name it on stderr."""
    if session.uri is not None:
        await conformance_info.check_role(session.uri, "intent")
        _print_status(f"asking {session.uri}{_describe_home(await describe(session.uri))}")
        yield session.uri
        return
    engine = ("--engine", session.engine) if session.engine else ()
    home = ("--home", session.home) if session.home else ()
    with Console(stderr=True).status("starting the intent daemon"):
        process = await processes.start_server("intent", "--uri", "tcp://127.0.0.1:0", *engine, *home)
    try:
        await process.wait_until_ready()
        _print_status(f"asking a new intent daemon{_describe_home(await describe(process.uri))}")
        yield process.uri
    finally:
        await process.stop()


def _describe_home(info: Info) -> str:
    home = simulated_home(info)
    return f", {home}" if home else ""


async def _send_text(uri: str, session: AskSession, text: str) -> Event:
    """Send a sentence; return the answer. Raises NotUnderstoodError."""
    context = {"conversation_id": session.conversation_id} | ({"area": session.area} if session.area else {})
    async with connect(uri, role="intent") as peer:
        await peer.send(Transcript(text=text, language=session.language, context=context).event())
        event = await peer.wait_for(*ANSWERS, seconds=ANSWER_SECONDS)
    if event.type in ("not-handled", "not-recognized"):
        raise NotUnderstoodError(str(event.data.get("text") or "the sentence was not understood"))
    return event


def _print_answer(answer: Event, stage: StageOptions) -> None:
    intent = answer.data.get("name") or _context(answer).get("intent")
    details = {name: _context(answer)[name] for name in ("slots", "expects_reply") if name in _context(answer)}
    remark = _context(answer).get("remark")
    text = str(answer.data.get("text") or "") or str(intent)
    stage.print(f"{text.rstrip('.')}. {remark}" if remark else text, intent=intent, **details)


def _expects_reply(answer: Event) -> bool:
    return bool(_context(answer).get("expects_reply"))


def _context(answer: Event) -> dict[str, Any]:
    return dict(answer.data.get("context") or {})


def _print_status(text: str, end: str = "\n") -> None:
    with suppress(OSError, AttributeError):  # without stderr, the answer still counts
        sys.stderr.write(f"{text}{end}")
        sys.stderr.flush()


async def _read_reply() -> str:
    """Return the answer typed on the terminal; empty without a terminal or after QUESTION_SECONDS."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ""
    _print_status("> ", end="")
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        async with asyncio.timeout(QUESTION_SECONDS):
            await typed.wait()
    except TimeoutError:
        return ""
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip()  # does not block: a terminal delivers whole lines


def _save_session(session: AskSession) -> None:
    """Save a question for `--continue`, readable by this user only: it holds what somebody said."""
    file = _state_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text(json.dumps(asdict(session)), "utf-8")
    except OSError as err:
        raise ConfigError(f"cannot save the question for --continue in {file}: {err.strerror}") from err


def _load_session() -> AskSession:
    """Return the question that waits for an answer, and delete it. Raises NotUnderstoodError if there is none."""
    file = _state_file()
    try:
        talk = AskSession(**json.loads(file.read_text("utf-8")))
        file.unlink()
    except (OSError, ValueError, TypeError) as err:
        raise NotUnderstoodError("there is no question for --continue to answer") from err
    if talk.until < time.time():
        raise NotUnderstoodError(f"the question was asked more than {QUESTION_SECONDS:g} s ago; say the sentence again")
    return talk


def _state_file() -> Path:
    return config.state_folder() / "ask.json"
