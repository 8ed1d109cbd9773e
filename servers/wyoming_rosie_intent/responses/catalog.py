"""Response catalog: Jinja2 templates of each language, which users may override."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import toml_file
from wyoming_rosie.text.language_tags import base_language

if TYPE_CHECKING:
    from jinja2 import Environment, Template

Table: TypeAlias = Mapping[str, Mapping[str, Any]]
FALLBACK_LANGUAGE = "en"
"""Language of the phrases that another one lacks."""
MAX_CACHED_LANGUAGES = 64
MAX_LENGTH = 2000
"""Characters of an answer."""


class ResponseCatalog:
    """Phrases of all languages. The `LANGUAGE.toml` files of a folder override the built-in ones."""

    def __init__(self, folder: Path | None = None) -> None:
        self._overrides = _load_folder(folder) if folder else {}
        self._templates: dict[tuple[str, str], Template] = {}

    def render(self, key: str, language: str, **values: object) -> str:
        """Render a phrase such as "done.HassTurnOn" in a language, with English as fallback."""
        for table, table_language in self._get_tables(language):
            if (text := _lookup(table, key)) is not None:
                return self._compile(str(text), table_language).render(values)[:MAX_LENGTH]
        raise KeyError(key)

    def prepare(self, language: str) -> None:
        """Load the tables of a language, so that rendering reads no file."""
        for prepared_language in (FALLBACK_LANGUAGE, *self._overrides, language):
            list(self._get_tables(prepared_language))
            self.render("grammar.the", prepared_language, name="")

    def has_phrase(self, key: str, language: str) -> bool:
        """Return whether the language itself has the phrase."""
        return any(
            table_language == base_language(language) and _lookup(table, key) is not None
            for table, table_language in self._get_tables(language)
        )

    def get_value(self, key: str, language: str) -> Any:
        """Return the raw value of a key; None when no table has it."""
        found = (_lookup(table, key) for table, _ in self._get_tables(language))
        return next((value for value in found if value is not None), None)

    def _compile(self, text: str, language: str) -> "Template":
        if (text, language) not in self._templates:
            environment = _create_environment().overlay()
            environment.filters = {
                **environment.filters,
                "the": lambda name: self.render("grammar.the", language, name=name),
                "listed": lambda names: join_words(list(names), str(self.get_value("grammar.and", language))),
            }
            self._templates[text, language] = environment.from_string(text)
        return self._templates[text, language]

    def _get_tables(self, language: str) -> Iterator[tuple[Table, str]]:
        for table_language in dict.fromkeys((base_language(language), FALLBACK_LANGUAGE)):
            for table in (self._overrides.get(table_language, {}), _load_builtin(table_language)):
                yield table, table_language


def _load_folder(folder: Path) -> Mapping[str, Table]:
    """Load the tables of a folder. Raises ConfigError with the file and the phrase for an invalid one."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ConfigError(f"there are no phrases in {folder}; put a file such as {folder / 'en.toml'} there")
    return {base_language(file.stem): _check_table(toml_file.read(file, "phrase file"), file) for file in files}


def _check_table(table: dict[str, Any], file: Path) -> Table:
    from jinja2 import TemplateSyntaxError

    for name, phrases in table.items():
        if not isinstance(phrases, dict):
            raise ConfigError(f"{file}: '{name}' must be a table [{name}] of phrases")
        for key, text in phrases.items():
            try:
                _create_environment().overlay().parse(str(text))
            except TemplateSyntaxError as err:
                raise ConfigError(f"{file}: [{name}] '{key}' is not a template: {err.message}") from err
    return table


@lru_cache(MAX_CACHED_LANGUAGES)
def _load_builtin(language: str) -> Table:
    file = resources.files("wyoming_rosie_intent.responses") / "phrases" / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


def _lookup(table: Table, key: str) -> Any:
    name, _, phrase = key.partition(".")
    return table.get(name, {}).get(phrase)


@cache
def _create_environment() -> "Environment":
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(autoescape=False)
    environment.filters["capital"] = lambda text: str(text)[:1].upper() + str(text)[1:]
    environment.filters["comma"] = lambda number: str(number).replace(".", ",")
    return environment


def join_words(names: Sequence[str], last: str) -> str:
    """Join words like "a, b and c"; `last` is the text before the last one."""
    return last.join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
