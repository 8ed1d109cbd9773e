"""The `wyoming-rosie` command."""

import asyncio
import signal
import sys
from collections.abc import Sequence

from cyclopts import App, Parameter

from wyoming_rosie import __version__
from wyoming_rosie.audio.files import STDIN
from wyoming_rosie.commands import (
    ask,
    check,
    demo,
    discover,
    doctor,
    listen,
    listing,
    models,
    pipeline,
    up,
    wake_models,
)
from wyoming_rosie.runtime import exit_status
from wyoming_rosie.runtime.terminal import hangup_signal

app = App(
    name="wyoming-rosie",
    help="Private voice for every room. Each command says more with --help.\n\n"
    "Exit status: 0 done, 1 failed, 2 the command line is wrong, 3 nothing was understood.",
    version=__version__,
    default_parameter=Parameter(negative_iterable=()),
    result_action="return_value",
)
for command in (
    demo.demo,
    up.up,
    check.check,
    listen.listen,
    doctor.doctor,
    discover.discover,
    pipeline.detect,
    pipeline.transcribe,
    ask.ask,
    pipeline.say,
    listing.voices,
    listing.languages,
    listing.devices,
    wake_models.check_model,
    models.fetch_models,
    wake_models.train_verifier,
):
    app.command(command)
app.command(models.models)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exit status 0 only when it did what it is for, else a sentence and one that says why not."""
    given = sys.argv[1:] if arguments is None else arguments
    given = [STDIN if argument == "-" else argument for argument in given]  # cyclopts takes it for an option
    stopped_by: list[signal.Signals] = []
    with exit_status.exit_on_error("wyoming-rosie", "all"):
        try:
            asyncio.run(_run(given, stopped_by))
        except asyncio.CancelledError:
            sys.exit(128 + (stopped_by or [signal.SIGTERM])[0])


async def _run(arguments: Sequence[str], stopped_by: list[signal.Signals]) -> None:
    """Run a command so that SIGTERM and the end of the terminal, like Ctrl-C, end the programs that it has started."""
    command = asyncio.current_task()
    assert command is not None

    def stop(number: signal.Signals) -> None:
        if not stopped_by:  # a second one must not keep the first from ending the programs in order
            stopped_by.append(number)
            command.cancel()

    for number in (signal.SIGTERM, *hangup_signal()):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    await app.run_async(arguments, exit_on_error=False, print_error=False)


if __name__ == "__main__":
    main()
