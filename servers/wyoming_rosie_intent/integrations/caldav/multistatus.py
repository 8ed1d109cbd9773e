"""Answers of WebDAV servers: the properties of each resource, and the bodies of the requests for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from wyoming_rosie_intent.integrations.calendar.model import Span
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure

DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
_OK = " 200 "
_UNKNOWN_ZONE = timedelta(days=1)
_WRITING = frozenset({f"{DAV}all", f"{DAV}write", f"{DAV}write-content", f"{DAV}bind"})

FIND_HOME = f"""<?xml version="1.0" encoding="utf-8"?>
<d:propfind {_NAMESPACES}><d:prop>
<d:resourcetype/><d:current-user-principal/><c:calendar-home-set/><d:displayname/>
<c:supported-calendar-component-set/><d:current-user-privilege-set/>
</d:prop></d:propfind>""".encode()


@dataclass(frozen=True)
class DavResource:
    """A resource with the properties that the server has of it."""

    href: str
    properties: ElementTree.Element

    def text(self, name: str) -> str:
        return (self.properties.findtext(name) or "").strip()

    def link(self, name: str) -> str:
        """Return the address in a property; empty without it."""
        return (self.properties.findtext(f"{name}/{DAV}href") or "").strip()

    @property
    def is_calendar(self) -> bool:
        """Whether it is a calendar that may hold events."""
        if self.properties.find(f"{DAV}resourcetype/{CALDAV}calendar") is None:
            return False
        kinds = self.properties.findall(f"{CALDAV}supported-calendar-component-set/{CALDAV}comp")
        return not kinds or any(kind.get("name", "").upper() == "VEVENT" for kind in kinds)

    @property
    def is_writable(self) -> bool:
        """Whether the server lets us write; without a word about it, it may."""
        found = self.properties.find(f"{DAV}current-user-privilege-set")
        return found is None or any(right.tag in _WRITING for right in found.iter())


def create_query(span: Span) -> bytes:
    """Return the body of a REPORT for the events that overlap a span, or nearly do.

    Servers do not know the zone of the home, in which times without a zone are meant, nor the zones of all programs.
    """
    start, end = span.start - _UNKNOWN_ZONE, span.end + _UNKNOWN_ZONE
    return f"""<?xml version="1.0" encoding="utf-8"?>
<c:calendar-query {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">
<c:time-range start="{_format(start)}" end="{_format(end)}"/>
</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>""".encode()


def parse_multistatus(body: bytes) -> Iterator[DavResource]:
    """Yield the resources of an answer. Raises HttpError for one that is none, or declares entities."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise HttpError(HttpFailure.INVALID, "the calendar server's answer declares XML entities")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - no entities, and at most the bytes of an answer
    except (ElementTree.ParseError, LookupError, ValueError) as err:
        raise HttpError(HttpFailure.INVALID, "the calendar server's answer is not XML") from err
    if root.tag != f"{DAV}multistatus":
        raise HttpError(HttpFailure.INVALID, "the calendar server's answer is not WebDAV's")
    for response in root.findall(f"{DAV}response"):
        properties = ElementTree.Element("properties")
        for status in response.findall(f"{DAV}propstat"):
            if _OK in f"{status.findtext(f'{DAV}status') or _OK} ":
                properties.extend(status.findall(f"{DAV}prop/*"))
        yield DavResource((response.findtext(f"{DAV}href") or "").strip(), properties)


def _format(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
