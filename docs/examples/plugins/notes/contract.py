"""Contract of the plugin: a fake of its service, and what it answers."""

from pathlib import Path

from aiohttp import web

from wyoming_rosie_intent.plugins.contract import Example, PluginContract
from wyoming_rosie_intent.plugins.fake_service import FakeService, ServiceRequest
from wyoming_rosie_intent.plugins.testing import find_source


class NoteService(FakeService):
    """Answers as the real service was recorded to."""

    def __init__(self) -> None:
        super().__init__()
        self.notes = {"1": "buy milk", "2": "call the dentist", "3": "pay the dentist"}

    async def answer(self, request: ServiceRequest) -> web.Response:
        note_id = request.path.removeprefix("/notes").strip("/")
        if request.method == "PUT":
            self.notes[note_id] = request.json["text"]
            return web.Response(status=204)
        if request.method == "DELETE":
            return web.Response(status=204 if self.notes.pop(note_id, None) else 404)
        page, size = int(request.query.get("page", "1")), self.page_size or 100
        shown = list(self.notes.items())[(page - 1) * size : page * size]
        notes = [{"id": key, "text": text} for key, text in shown]
        return web.json_response({"notes": notes, "next": page + 1 if page * size < len(self.notes) else None})


CONTRACT = PluginContract(
    find_source(Path(__file__).resolve().parent),
    [
        Example("read my notes", "3 notes: buy milk"),
        Example("lies meine Notizen", "3 Notizen: buy milk", "de"),
        Example("note that the cat is at the vet", "Shall I note: the cat is at the vet?", asks=True),
        Example("delete my note about milk", "Shall I delete the note buy milk?", asks=True),
    ],
    settings=lambda url: {"url": url, "token": "a secret token", "seconds": 1.0},
    create_service=NoteService,
    ambiguous=Example("delete my note about the dentist"),
)
