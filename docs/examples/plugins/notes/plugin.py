"""Plugin for a web service that keeps notes: it asks before it writes, and which of several notes is meant."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wyoming_rosie_intent.plugins import (
    CommandContext,
    MultilingualPlugin,
    PluginResult,
    PluginTool,
    ToolParameter,
)
from wyoming_rosie_intent.plugins.http_client import FixedToken, HttpClient, HttpError, HttpLimits

MAX_READ = 5


class Notes(MultilingualPlugin):
    name = "notes"
    version = "1.0.0"
    is_private = True
    languages = Path(__file__).with_name("languages")
    tools = (
        PluginTool("ReadNotes", "Reads the notes of the household"),
        PluginTool("AddNote", "Writes a note", {"text": ToolParameter("the note", is_required=True)}, changes=True),
    )

    def __init__(self) -> None:
        super().__init__()
        self._client: HttpClient | None = None
        self._problem: str | None = None

    async def initialize(self, config: Mapping[str, Any]) -> None:
        """Connect with `url` and `token`; a request and its repetitions may take `seconds`."""
        await self.close()
        limits = HttpLimits(total_seconds=config.get("seconds", 20.0))
        self._client = HttpClient(config["url"], FixedToken(config["token"]), limits=limits)

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        try:
            result = await self._execute(intent, entities, context)
        except HttpError as err:
            self._problem = str(err)
            return PluginResult(self.texts.render("failed", context.language), success=False)
        self._problem = None
        return result

    async def get_status(self) -> Mapping[str, Any]:
        return {"healthy": self._problem is None, "message": self._problem}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        match intent:
            case "AddNote":
                return await self._add(str(entities["text"]), context)
            case "DeleteNote":
                return await self._delete(entities, context)
            case _:
                return await self._read(context)

    async def _read(self, context: CommandContext) -> PluginResult:
        texts = [note["text"] for note in await self._list()]
        key = "read" if texts else "none"
        return PluginResult(self.texts.render(key, context.language, notes=texts[:MAX_READ], count=len(texts)))

    async def _add(self, text: str, context: CommandContext) -> PluginResult:
        if not context.is_confirmed:
            return PluginResult(question=self.texts.render("shall_add", context.language, text=text))
        # the service knows a second attempt by the id
        await self._service.send("PUT", f"notes/{context.key}", {"text": text})
        return PluginResult(self.texts.render("added", context.language))

    async def _delete(self, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        topic = str(entities["topic"]).casefold()
        found = [note for note in await self._list() if entities.get("id", note["id"]) == note["id"]]
        found = [note for note in found if topic in note["text"].casefold()]
        if not found:
            return PluginResult(self.texts.render("none", context.language), success=False)
        if len(found) > 1:
            options = {note["text"]: {"id": note["id"]} for note in found}
            question = self.texts.render("which", context.language, notes=list(options))
            return PluginResult(question=question, options=options)
        if not context.is_confirmed:
            question = self.texts.render("shall_delete", context.language, text=found[0]["text"])
            return PluginResult(question=question, entities={"id": found[0]["id"]})
        await self._service.send("DELETE", f"notes/{found[0]['id']}")
        return PluginResult(self.texts.render("deleted", context.language))

    async def _list(self) -> list[Mapping[str, str]]:
        def find_next(page: Any) -> Mapping[str, int] | None:
            return {"page": page["next"]} if page["next"] else None

        pages = self._service.get_pages("notes", {}, find_next)
        return [note async for page in pages for note in page["notes"]]

    @property
    def _service(self) -> HttpClient:
        assert self._client is not None, "it is called before initialize"
        return self._client
