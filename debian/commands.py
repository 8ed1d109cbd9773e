#!/usr/bin/env python3
"""Launchers, man pages and shell completion of the Debian packages, made from the commands' own --help.

commands.py DEBIAN     in the build, after vendor.py; needs no package but wyoming-rosie-common's files
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROLES = ("wake", "vad", "asr", "intent", "tts", "hub", "bridge", "satellite")
LIBRARY = "/usr/lib/wyoming-rosie/site-packages"
WIDE = "500"  # columns, so that --help wraps no line
LAUNCHER = """\
#!/usr/bin/python3 -IS
\"\"\"Runs {command} with the libraries of its own, whatever else is installed for Python.\"\"\"

import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.path.insert(0, "{library}")

from {module}.__main__ import main

if __name__ == "__main__":  # a worker process imports this file
    main()
"""
BASH_COMPLETION = """\
# bash completion for {command}
_{function}() {{
    local cur prev
    _init_completion -n = || return
    case $prev in
{cases}
    esac
    COMPREPLY=($(compgen -W '{flags}' -- "$cur"))
}}
complete -F _{function} {command}
"""


@dataclass(frozen=True)
class Entry:
    """A line of a group in --help."""

    flags: str
    text: str


@dataclass(frozen=True)
class Help:
    """What --help prints."""

    usage: str
    paragraphs: tuple[str, ...]
    groups: dict[str, tuple[Entry, ...]]


def parse_help(text: str) -> Help:
    """Return the parts of a --help that is wide enough to wrap nothing."""
    usage = ""
    paragraphs: list[str] = []
    groups: dict[str, list[Entry]] = {}
    entries: list[Entry] = []
    for line in (line.rstrip() for line in text.splitlines()):
        if line.startswith("Usage: "):
            usage = line.removeprefix("Usage: ")
        elif line.startswith("╭─ "):
            entries = groups.setdefault(line.strip("╭─╮ "), [])
        elif line.startswith("│ "):
            flags, _, description = re.sub(r" +│$", "", line[1:]).strip().partition("  ")
            entries.append(Entry(flags, description.strip()))
        elif line and not line.startswith("╰"):
            paragraphs.append(line)
    return Help(usage, tuple(paragraphs), {title: tuple(found) for title, found in groups.items()})


def escape(text: str) -> str:
    """Return text as troff reads it."""
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"))


def create_man_page(command: str, version: str, help_text: Help, subcommands: dict[str, Help]) -> str:
    """Return a man page of section 1."""
    summary = help_text.paragraphs[0].split(". ")[0].rstrip(".")
    lines = [
        f'.TH {command.upper()} 1 "" "wyoming-rosie {version}" "wyoming-rosie"',
        ".SH NAME",
        f"{escape(command)} \\- {escape(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        f".B {escape(help_text.usage)}",
        ".SH DESCRIPTION",
        *_paragraphs(help_text),
        *_groups(help_text),
    ]
    for name, subcommand in subcommands.items():
        lines += [f'.SH "{escape(f"{command} {name}".upper())}"', f".B {escape(subcommand.usage)}", ".PP"]
        lines += [*_paragraphs(subcommand), *_groups(subcommand, heading=".SS")]
    lines += [".SH FILES", ".TP", escape("/etc/wyoming-rosie/rosie.toml"), "settings of this machine's programs"]
    lines += [".TP", escape("~/.config/wyoming-rosie/rosie.toml"), "settings of this user, which come first", ""]
    return "\n".join(lines)


def _paragraphs(help_text: Help) -> Iterator[str]:
    for paragraph in help_text.paragraphs:
        yield from (".PP", escape(paragraph))


def _groups(help_text: Help, heading: str = ".SH") -> Iterator[str]:
    for title, entries in help_text.groups.items():
        yield f'{heading} "{escape(title.upper() if heading == ".SH" else title)}"'
        for entry in entries:
            yield from (".TP", f".B {escape(entry.flags)}", escape(entry.text) or "\\&")


def create_bash_completion(command: str, help_text: Help) -> str:
    """Return the bash completion of a daemon: its flags, their choices, and files where they take a path."""
    flags: list[str] = []
    cases = []
    for entry in (entry for entries in help_text.groups.values() for entry in entries):
        names = re.findall(r"--?[\w.-]+", entry.flags)
        flags += names
        if choices := re.search(r"\[choices: ([^\]]+)\]", entry.text):
            words = choices[1].replace(",", "")
            cases.append(f"        {'|'.join(names)}) COMPREPLY=($(compgen -W '{words}' -- \"$cur\")); return ;;")
        elif re.search(r"\bPATH\b", entry.flags):
            cases.append(f"        {'|'.join(names)}) _filedir; return ;;")
    return BASH_COMPLETION.format(
        command=command, function=command.replace("-", "_"), cases="\n".join(cases), flags=" ".join(flags)
    )


class BuiltCommands:
    """The commands of the tree that is being packaged."""

    def __init__(self, debian: Path) -> None:
        self._library = (debian / f"wyoming-rosie-common{LIBRARY}").resolve()

    def run(self, module: str, code: str, *arguments: str) -> str:
        """Return what Python code prints that begins with the import of a command's module."""
        prelude = f"import sys; sys.path.insert(0, {str(self._library)!r}); sys.argv = {list(arguments)!r}; "
        command = [sys.executable, "-IBS", "-c", f"{prelude}import {module}.__main__ as command\n{code}"]
        environment = {**os.environ, "COLUMNS": WIDE, "NO_COLOR": "1", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8")
        return done.stdout.replace(str(self._library), LIBRARY)

    def help(self, command: str, module: str, *subcommand: str) -> Help:
        """Return the command's --help."""
        return parse_help(self.run(module, "command.main()", command, *subcommand, "--help"))

    def version(self) -> str:
        """Return the version of wyoming-rosie."""
        return self.run("wyoming_rosie.commands", "import wyoming_rosie; print(wyoming_rosie.__version__)").strip()

    def completion(self, shell: str) -> str:
        """Return cyclopts' completion of the wyoming-rosie command."""
        code = f"print(command.app.generate_completion(prog_name='wyoming-rosie', shell={shell!r}))"
        return self.run("wyoming_rosie.commands", code)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def write_command(folder: Path, command: str, module: str, man_page: str, bash_completion: str) -> None:
    """Write the files of one command into a binary package's tree."""
    write(folder / "usr/bin" / command, LAUNCHER.format(command=command, library=LIBRARY, module=module), 0o755)
    write(folder / "usr/share/man/man1" / f"{command}.1", man_page)
    write(folder / "usr/share/bash-completion/completions" / command, bash_completion)


def main() -> None:
    """Write the files of all commands."""
    debian = Path(sys.argv[1])
    built = BuiltCommands(debian)
    version = built.version()
    common, module = debian / "wyoming-rosie-common", "wyoming_rosie.commands"
    main_help = built.help("wyoming-rosie", module)
    names = [entry.flags for title, found in main_help.groups.items() if title != "Commands" for entry in found]
    subcommands = {name: built.help("wyoming-rosie", module, name) for name in names}
    page = create_man_page("wyoming-rosie", version, main_help, subcommands)
    write_command(common, "wyoming-rosie", module, page, built.completion("bash"))
    write(common / "usr/share/zsh/vendor-completions/_wyoming-rosie", built.completion("zsh"))
    write(common / "usr/share/fish/vendor_completions.d/wyoming-rosie.fish", built.completion("fish"))
    for role in ROLES:
        command, module = f"wyoming-rosie-{role}", f"wyoming_rosie_{role}"
        found = built.help(command, module)
        page = create_man_page(command, version, found, {})
        write_command(debian / command, command, module, page, create_bash_completion(command, found))


if __name__ == "__main__":
    main()
