"""Output of the security report: tables for people, JSON for programs, and the exit status."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wyoming_rosie.commands.diagnostics.security import inspection
from wyoming_rosie.commands.diagnostics.security.report import SecurityReport, Severity
from wyoming_rosie.commands.diagnostics.security.rules import assess, reach

STYLES = {Severity.HIGH: "bold red", Severity.MEDIUM: "yellow", Severity.LOW: "dim"}


async def print_report(*, as_json: bool) -> None:
    """Print the report. Raises SystemExit with status 1 if a finding is severe."""
    report = await inspection.create_report()
    findings = assess(report)
    if as_json:
        listeners = [asdict(listener) | {"open_to": reach(listener)} for listener in report.listeners]
        shown = asdict(report) | {"listeners": listeners, "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(shown, ensure_ascii=False, indent=2))  # noqa: T201
    else:
        _print_tables(Console(soft_wrap=True, highlight=False), report)
    if any(finding.severity is Severity.HIGH for finding in findings):
        raise SystemExit(1)


def _print_tables(console: Console, report: SecurityReport) -> None:
    listeners = [
        (f"{one.role} {one.host}:{one.port}", f"{one.protection}, open to {reach(one)}") for one in report.listeners
    ]
    _print_table(console, "listeners", listeners)
    _print_table(
        console,
        "secrets and private files",
        [(file.path, f"mode {file.mode:o}, {file.age_days:.0f} days old") for file in report.files],
    )
    identities = [
        (one.role, one.trouble or f"{one.name}, certificate for {one.days_left or 0:.0f} days")
        for one in report.identities
    ]
    _print_table(console, "identities here", identities)
    _print_table(console, "members of the house, in the hub's list", [(member, "") for member in report.members])
    findings = assess(report)
    console.print(f"\n{len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'}", style="bold")
    for finding in findings:
        console.print(Text.assemble((f"  {finding.severity}: ", STYLES[finding.severity]), finding.fault))
        console.print(Text(f"    next: {finding.next_step}"))


def _print_table(console: Console, title: str, rows: list[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, title=title, title_justify="left", title_style="bold")
    for name, description in rows or [("none", "")]:
        table.add_row(Text(name), Text(description))
    console.print(table)
