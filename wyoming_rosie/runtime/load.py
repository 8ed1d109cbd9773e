"""Load of this process and of this machine, from /proc."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

STATM_RESIDENT = 1
"""Column of /proc/self/statm with the resident pages."""
IDLE_COLUMNS = slice(3, 5)
"""Columns of /proc/stat with the time in which a processor is idle or waits for a disk."""
STAT_COLUMNS = 8
THERMAL_ZONES = "/sys/class/thermal/thermal_zone*/temp"


@dataclass(frozen=True)
class ProcessLoad:
    """Share of one processor since the last measurement, and resident memory."""

    cpu_percent: float
    memory_mb: float
    uptime_seconds: int


@dataclass(frozen=True)
class MachineLoad:
    """Share of all processors since the last measurement, used memory, free disk, and the hottest sensor if there is one."""

    cpu_percent: float
    memory_percent: float | None
    disk_free_mb: float | None
    temperature_c: float | None


class ProcessMeter:
    """Measures this process; what it reads is in memory, so that it does not block."""

    def __init__(self) -> None:
        self._began = self._measured_at = time.monotonic()
        self._used = _used_seconds()

    def measure(self) -> ProcessLoad:
        """Return the load since the last call."""
        now, used = time.monotonic(), _used_seconds()
        percent = 100 * (used - self._used) / max(now - self._measured_at, 1e-3)
        self._measured_at, self._used = now, used
        return ProcessLoad(round(percent, 1), measure_memory_mb(), round(now - self._began))


class MachineMeter:
    """Measures this machine, and the disk of a folder. Blocks for a moment: use it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle, self._total = _read_processor_times()

    def measure(self) -> MachineLoad:
        """Return the load since the last call."""
        idle, total = _read_processor_times()
        share = (idle - self._idle) / max(total - self._total, 1)
        self._idle, self._total = idle, total
        return MachineLoad(
            round(100 * (1 - share), 1), _read_memory_percent(), self._read_free_mb(), _read_temperature()
        )

    def _read_free_mb(self) -> float | None:
        try:
            return round(shutil.disk_usage(self._folder).free / 1e6)
        except OSError:
            return None


def measure_memory_mb() -> float:
    """Return the resident memory of this process."""
    pages = int(_read("/proc/self/statm").split()[STATM_RESIDENT])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def _used_seconds() -> float:
    used = os.times()
    return used.user + used.system


def _read_processor_times() -> tuple[int, int]:
    """Return the idle and the whole time of all processors, in ticks."""
    columns = [int(column) for column in _read("/proc/stat").split("\n", 1)[0].split()[1 : 1 + STAT_COLUMNS]]
    return sum(columns[IDLE_COLUMNS]), sum(columns)


def _read_memory_percent() -> float | None:
    fields = dict(line.split(":", 1) for line in _read("/proc/meminfo").splitlines() if ":" in line)
    try:
        total, available = (int(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    except (KeyError, ValueError):
        return None
    return round(100 * (1 - available / total), 1)


def _read_temperature() -> float | None:
    found = []
    for zone in Path("/").glob(THERMAL_ZONES.lstrip("/")):
        try:
            found.append(int(zone.read_text("ascii")) / 1000)
        except (OSError, ValueError):
            continue  # a sensor that is switched off
    return max(found, default=None)


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - no file of ours, and in memory
        return file.read()
