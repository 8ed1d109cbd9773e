"""`wyoming-rosie plugin`: checks whether a plugin of the intent daemon keeps its contract."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command

plugin = App(name="plugin", help="Plugins of the intent daemon.")


@plugin.command
async def check(folder: Annotated[Path, Parameter(help="the folder with its plugin.py and contract.py")], /) -> None:
    """Run a plugin as the daemon does, beside a fake of its service that fails in every way; report each check.

    The contract.py of the folder describes the plugin; its code is run.
    """
    contracts = _load_contracts()
    failed = False
    async for result in contracts.check_plugin(contracts.load_contract(folder.resolve())):
        failed = failed or result.problem is not None
        sys.stdout.write(f"{result.name:<26}{result.problem or 'ok'}\n")
        sys.stdout.flush()
    if failed:
        raise ConfigError(f"the plugin in {folder} does not keep its contract")


def _load_contracts() -> Any:
    """Return the checks of the intent daemon, which may not be installed."""
    try:
        return import_module("wyoming_rosie_intent.plugins.contract")
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
