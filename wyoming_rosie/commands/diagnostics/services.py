"""Diagnosis of Wyoming programs: for `wyoming-rosie doctor`, and for the hub's status of its daemons."""

from collections.abc import Iterator

from wyoming.info import Info

from wyoming_rosie.commands.diagnostics.report import Diagnosis, ServiceReport
from wyoming_rosie.home.model import SIMULATED, SIMULATED_HOME_FILE

SLOW_MS = 1000.0


def diagnose_service(service: ServiceReport) -> Iterator[Diagnosis]:
    """Yield the fault of a program with its next step, if it has one."""
    name = f"{service.role or 'a program'} at {service.uri}"
    if service.ms is None and service.name:
        yield Diagnosis(
            f"{name} is announced and does not answer", "is it running, and is its port open in the firewall?"
        )
    elif service.ms is None:
        unit = f"wyoming-rosie-{service.role}"
        yield Diagnosis(
            f"{name} does not answer",
            f"start it: sudo systemctl start {unit}, or wyoming-rosie up; why it ended: journalctl -u {unit}",
        )
    elif not service.is_installed:
        yield Diagnosis(
            f"{name} has no model yet", "it may still be fetched; what is there: wyoming-rosie models list --available"
        )
    elif service.house == SIMULATED_HOME_FILE:
        yield Diagnosis(
            f"{name} acts in {service.house}",
            "have Home Assistant act: wyoming-rosie-intent --actor home-assistant, or --actor none for its own pipelines",
        )
    elif service.ms > SLOW_MS:
        yield Diagnosis(f"{name} takes {service.ms:.0f} ms to answer", "find out why: wyoming-rosie check URI")


def simulated_home(info: Info) -> str:
    """Return an intent daemon's description of its simulated home; empty for a real one."""
    descriptions = " ".join(program.description or "" for program in info.handle)
    return next((description for description in (SIMULATED_HOME_FILE, SIMULATED) if description in descriptions), "")
