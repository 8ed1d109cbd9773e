"""The `wyoming-rosie` command."""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App, Group, Parameter

from wyoming_rosie import __version__, config, logging
from wyoming_rosie.audio.files import STDIN
from wyoming_rosie.commands import (
    ask,
    backup,
    calendar_login,
    check,
    config_check,
    demo,
    discover,
    doctor,
    enroll,
    explain,
    key,
    listen,
    listing,
    memory,
    models,
    pair,
    pipeline,
    plugin,
    prompt,
    service,
    up,
    wake_models,
)
from wyoming_rosie.commands.launch_plan import UpOptions
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.runtime import exit_status
from wyoming_rosie.runtime.terminal import hangup_signal
from wyoming_rosie.trust import membership

app = App(
    name="wyoming-rosie",
    help="Private voice for every room. Each command says more with --help.\n\n"
    "Exit status: 0 done, 1 failed, 2 the command line is wrong, 3 nothing was understood.",
    version=__version__,
    default_parameter=Parameter(negative_iterable=()),
    result_action="return_value",
)
TRY = Group("Try it", sort_key=1)
RUN = Group("Run and check", sort_key=2)
MODELS = Group("Models, voices and devices", sort_key=3)
COMMANDS: dict[Group, tuple[Callable[..., Any], ...]] = {
    TRY: (demo.demo, ask.ask, explain.explain, prompt.prompt, pipeline.say, pipeline.transcribe, pipeline.detect),
    RUN: (
        up.up,
        doctor.doctor,
        check.check,
        discover.discover,
        listen.listen,
        enroll.enroll,
        pair.pair,
        pair.join,
        backup.backup,
        backup.restore,
    ),
    MODELS: (
        listing.voices,
        listing.languages,
        listing.devices,
        models.fetch_models,
        wake_models.check_model,
        wake_models.train_verifier,
    ),
}
"""Subcommands by their group in `--help`."""
for group, commands in COMMANDS.items():
    for command in commands:
        app.command(command, group=group)
models.models.group = MODELS
app.command(models.models)
config_check.config.group = RUN
app.command(config_check.config)
key.key.group = RUN
app.command(key.key)
calendar_login.calendar.group = RUN
app.command(calendar_login.calendar)
memory.memory.group = RUN
app.command(memory.memory)
plugin.plugin.group = RUN
app.command(plugin.plugin)
service.service.group = RUN
app.command(service.service)
app["up"].config = config.CommandSettings("up", UpOptions)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. Exit with status 0 on success; otherwise print the reason and exit with another status."""
    args = sys.argv[1:] if arguments is None else arguments
    args = [STDIN if argument == "-" else argument for argument in args]  # cyclopts takes "-" for an option
    stopped_by: list[signal.Signals] = []
    logging.configure("command", only_warnings=True)
    with exit_status.exit_on_error("wyoming-rosie", "all"):
        try:
            membership.load_for_command(config.state_folder(role) for role in BY_ROLE)
            asyncio.run(_run(args, stopped_by))
        except asyncio.CancelledError:
            sys.exit(128 + (stopped_by or [signal.SIGTERM])[0])


async def _run(arguments: Sequence[str], stopped_by: list[signal.Signals]) -> None:
    """Run a command; SIGTERM and SIGHUP, like Ctrl-C, cancel it, which stops the programs that it has started."""
    command = asyncio.current_task()
    assert command is not None

    def stop(number: signal.Signals) -> None:
        if not stopped_by:  # a second signal must not interrupt the orderly stop
            stopped_by.append(number)
            command.cancel()

    for number in (signal.SIGTERM, *hangup_signal()):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    await app.run_async(arguments, exit_on_error=False, print_error=False)


if __name__ == "__main__":
    main()
