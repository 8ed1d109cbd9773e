"""`wyoming-rosie demo`: one turn through every daemon, from a recording to a spoken reply, with its timeline; then the page."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter
from rich.console import Console
from wyoming.user_event import UserEvent

from wyoming_rosie import config
from wyoming_rosie.audio import files
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.launch_plan import PAGE_HOST, PAGE_PORT, find_page_problem, voice_hint
from wyoming_rosie.commands.processes import LogLine, ServerProcess, run_server
from wyoming_rosie.errors import ConfigError, EngineError, NotUnderstoodError, RosieError
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.models import piper
from wyoming_rosie.programs import DAEMONS
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.server import stop_signal
from wyoming_rosie.runtime import extras
from wyoming_rosie.runtime.tasks import run_until_first_exit

RECORDING = Path(__file__).with_name("demo.wav")
COMMAND = Path(__file__).with_name("command.wav")
"""RECORDING is a wake word with a command, COMMAND the command alone; scripts/make-demo-recording made both."""
STEPS = ("wake", "speech-end", "decided", "transcript", "intent", "first-audio", "done")
TURN_SECONDS = 12.0
"""Timeout from the end of the recording to the end of the reply, enough for a slow board."""
STATE_SECONDS = 5.0
SATELLITE = "demo"
State: TypeAlias = dict[str, dict[str, Any]]
"""Properties of each entity, by its id."""
SPEECH_STEPS = frozenset({"wake", "transcript"})
"""Steps without which nothing was understood."""


class IncompleteError(RosieError):
    """The turn did not reach all its steps."""


@dataclass
class DemoTurn:
    """Progress of the turn, from the hub's log."""

    console: Console
    steps: dict[str, LogLine] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    page: str = ""  # its address

    def on_log_line(self, line: LogLine) -> None:
        """Record a line of the hub's log; print it if it is a step."""
        match line:
            case {"event": "page", "uri": str(uri)}:
                self.page = uri
            case {"event": "transcript" | "answer" as what, "text": str(text)}:
                self.texts["transcript" if what == "transcript" else "intent"] = text
            case {"event": "turn", "step": str(step)}:
                self.steps[step] = line
                self.console.print(self._format_step(step, line))
                if step in ("done", "failed"):
                    self.texts.clear()
                    self.done.set()

    def _format_step(self, step: str, line: LogLine) -> str:
        after = f"{line['ms_after_speech']:>+7} ms" if "ms_after_speech" in line else " " * 10
        detail = self.texts.get(step) or line.get("detail") or ""
        return f"  {line.get('ms', 0):>6} ms {after}   {step:<13}{detail}"

    @property
    def missing_steps(self) -> list[str]:
        return [step for step in STEPS if step not in self.steps]


async def demo(
    file: Annotated[Path, Parameter(help="a recording that begins with a wake word")] = RECORDING,
    /,
    *,
    output: Annotated[Path, Parameter(help="WAV file for the spoken reply")] = Path("reply.wav"),
    home: Annotated[Path, Parameter(help="home file")] = DEMO_HOME,
    seconds: Annotated[float, Parameter(help="timeout of the turn after the recording, in seconds")] = TURN_SECONDS,
    stay: Annotated[bool, Parameter(negative=(), help="keep it running with the hub's page, until Ctrl-C")] = False,
) -> None:
    """Run every daemon on private ports and one turn through them; show its timeline; write the reply as a WAV file."""
    load_home(home)
    web_flags = page_flags(await asyncio.to_thread(extras.missing_packages)) if stay else ()
    console = Console(soft_wrap=True, highlight=False)
    turn = DemoTurn(console)
    started = time.perf_counter()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wyoming-rosie-demo-")))
        recording = folder / "recording.wav"
        recorded_seconds = await asyncio.to_thread(files.write_speech, file, recording)
        with console.status("starting the daemons"):
            daemons = await stack.enter_async_context(_run_servers(home))
        before = await _fetch_state(daemons["intent"].uri)
        console.print(
            f"{len(daemons)} daemons ready after {time.perf_counter() - started:.1f} s. A satellite hears {file.name}:"
        )
        console.print("  since wake  since speech ended", style="dim")
        hub = await stack.enter_async_context(
            _run_satellite_and_hub(recording, output, daemons, turn, folder, web_flags)
        )
        await _wait_until_done(turn, recorded_seconds + seconds)
        _print_changes(console, before, await _fetch_state(daemons["intent"].uri))
        await _report(turn, output)
        if stay:
            await _stay(turn, hub)
    if not stay:
        await _print_next_steps(console)


async def _report(turn: DemoTurn, output: Path) -> None:
    """Print how long the answer took and where it is. Raises IncompleteError."""
    if turn.missing_steps:
        raise _incomplete_error("the turn did not reach", turn.missing_steps)
    reply, pcm = await asyncio.to_thread(read_wav, output)
    if not any(pcm):
        raise IncompleteError(f"the answer in {output} is silent")
    first = turn.steps["first-audio"]["ms_after_speech"]
    turn.console.print(
        f"End of speech to first sound of the answer: {first} ms. The answer ({reply.seconds(len(pcm)):.1f} s): {output}"
    )


async def _print_next_steps(console: Console) -> None:
    if hint := await asyncio.to_thread(_voice_hint):
        console.print(f"{hint}.", markup=False)
    program = extras.program_path()
    missing = await asyncio.to_thread(extras.missing_packages)
    install = f", after: {extras.install_command(['web'])}" if missing.get("web") else ""
    console.print(f'Next, ask something yourself: {program} ask "is the kitchen light on?"', markup=False)
    console.print(f"Or talk to it in a browser: {program} demo --stay{install}", markup=False)


async def _stay(turn: DemoTurn, hub: ServerProcess) -> None:
    """Print what to do at the page; wait for Ctrl-C. Raises EngineError if the hub ends before."""
    turn.console.print(
        f"The page is at {turn.page}\n"
        'Open it in a browser on this machine, tap the round button and say or write "turn off the kitchen light".\n'
        f"What the house does and how it is set: {turn.page}/admin/\n"
        "Each turn is shown here. Ctrl-C ends all.",
        markup=False,
    )
    await run_until_first_exit(stop_signal().wait(), hub.ended.wait())
    if hub.ended.is_set():
        raise EngineError("the hub has ended; start the demo again")


def page_flags(missing: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the hub's flags for its page, at its own port if that is free. Raises ConfigError if [web] is missing."""
    if missing.get("web"):
        raise ConfigError(f"--stay: the page is not installed; run: {extras.install_command(['web'])}")
    is_taken = find_page_problem((PAGE_HOST, PAGE_PORT), missing)
    return ("--web", "--web.host", PAGE_HOST, "--web.port", "0" if is_taken else str(PAGE_PORT))


def _voice_hint() -> str:
    """Return how to get a natural voice; the demo's daemons use it as soon as it is here."""
    voices = [voice.name for voice in piper.installed(config.data_folder()) if voice.is_complete]
    return voice_hint(extras.missing_packages(), voices)


@asynccontextmanager
async def _run_servers(home: Path) -> AsyncIterator[dict[str, ServerProcess]]:
    """Run wake, vad, asr, intent and tts on free ports."""
    extra = {"asr": ("--home", str(home)), "intent": ("--home", str(home))}
    async with AsyncExitStack() as stack:
        blocks = [run_server(daemon.role, *extra.get(daemon.role, ())) for daemon in DAEMONS]
        try:
            async with asyncio.TaskGroup() as tasks:  # one that cannot start cancels the others
                starting = [tasks.create_task(stack.enter_async_context(block)) for block in blocks]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        yield {start.result().role: start.result() for start in starting}


@asynccontextmanager
async def _run_satellite_and_hub(
    recording: Path,
    reply: Path,
    daemons: dict[str, ServerProcess],
    turn: DemoTurn,
    folder: Path,
    web_flags: Sequence[str],
) -> AsyncIterator[ServerProcess]:
    async with AsyncExitStack() as stack:
        sound = ("--mic", f"wav:{recording}", "--snd", f"wav:{reply}")
        wake = ("--wake-uri", daemons["wake"].uri)
        satellite = await stack.enter_async_context(
            run_server("satellite", *sound, *wake, "--name", SATELLITE, "--area", "Kitchen")
        )
        stages = [part for role, process in daemons.items() for part in (f"--{role}-uri", process.uri)]
        hub = ("--satellite", satellite.uri, *stages, "--no-zeroconf", "--data-dir", str(folder), "--debug", *web_flags)
        yield await stack.enter_async_context(run_server("hub", *hub, on_line=turn.on_log_line))


async def _wait_until_done(turn: DemoTurn, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await turn.done.wait()
    except TimeoutError as err:
        raise _incomplete_error(f"after {seconds:.0f} s the turn has not reached", turn.missing_steps) from err


def _incomplete_error(text: str, missing: list[str]) -> RosieError:
    kind = NotUnderstoodError if SPEECH_STEPS.intersection(missing) else IncompleteError
    return kind(f"{text}: {', '.join(missing)}")


async def _fetch_state(uri: str) -> State:
    """Return the state of each entity in the intent daemon's home."""
    async with connect(uri) as peer:
        await peer.send(UserEvent(name="home-state").event())
        answer = await peer.wait_for("user-event", seconds=STATE_SECONDS)
        return dict((answer.data.get("data") or {}).get("entities") or {})


def _print_changes(console: Console, before: State, after: State) -> None:
    changes = [f"{name}: {change}" for name in after if (change := _format_change(before.get(name, {}), after[name]))]
    for line in changes or ["nothing in the home changed"]:
        console.print(f"  {line}")


def _format_change(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Describe the change of an entity: of its state, or else of its other properties."""
    changed = [key for key in after if after[key] != before.get(key)]
    if "state" in changed:
        return f"{before.get('state')} -> {after['state']}"
    return ", ".join(f"{key} {before.get(key)} -> {after[key]}" for key in changed)
