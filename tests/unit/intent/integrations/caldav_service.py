"""A CalDAV server with one calendar at its root, as far as the faults of services are tried with it."""

from aiohttp import web

from wyoming_rosie_intent.plugins.fake_service import FakeService, ServiceRequest

_CALENDAR = """<response><href>/family/</href><propstat><prop><displayname>Family</displayname>
<resourcetype><collection/><c:calendar/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response>"""
_EVENT = """<response><href>/family/{name}</href><propstat><prop><getetag>"1"</getetag>
<c:calendar-data>{text}</c:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>"""


class CalDavServer(FakeService):
    """Keeps the events that are put there, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, str] = {}

    async def answer(self, request: ServiceRequest) -> web.Response:
        name = request.path.rpartition("/")[2]
        match request.method:
            case "PROPFIND":
                return _multistatus(_CALENDAR)
            case "REPORT":
                return _multistatus(*(_EVENT.format(name=name, text=text) for name, text in self.events.items()))
            case "PUT" if request.headers.get("If-None-Match") == "*" and name in self.events:
                return web.Response(status=412)
            case "PUT":
                self.events[name] = request.body.decode()
                return web.Response(status=201)
        return web.Response(status=404)


def _multistatus(*responses: str) -> web.Response:
    body = f'<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{"".join(responses)}</multistatus>'
    return web.Response(text=body, status=207, content_type="application/xml")
