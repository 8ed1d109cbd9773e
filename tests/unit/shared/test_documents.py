"""Documents as text."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text.documents.html_text import extract_html
from wyoming_rosie.text.documents.reader import MAX_FILE_BYTES, DocumentError, find_documents, read_document
from wyoming_rosie.text.documents.sections import (
    MAX_PART_CHARACTERS,
    DocumentSection,
    split_markdown,
    split_parts,
)


def write_pdf(pages: list[bytes], compressed: bool = False) -> bytes:
    """Return a PDF whose pages have these contents."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, content in enumerate(pages):
        data = zlib.compress(content, 9) if compressed else content
        kind = b" /Filter /FlateDecode" if compressed else b""
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>"
            % (5 + 2 * number),
            b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(data), kind, data),
        ]
    body, offsets = b"%PDF-1.4\n", []
    for index, one in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (index, one)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + trailer


def page(text: str) -> bytes:
    return f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()


def sections(markdown: str) -> list[tuple[str, str]]:
    return [(section.heading, section.text) for section in split_markdown(markdown)]


def test_markdown_is_split_at_its_headings() -> None:
    text = "intro\n\n# Boiler\ngeneral\n## Water\nIn May.\n# Oven\nhot"
    assert sections(text) == [("", "intro"), ("Boiler", "general"), ("Boiler > Water", "In May."), ("Oven", "hot")]


def test_underlined_lines_are_headings() -> None:
    assert sections("Boiler\n======\nold\n\nWater\n-----\nfull") == [("Boiler", "old"), ("Boiler > Water", "full")]


def test_a_comment_in_code_is_no_heading() -> None:
    assert sections("# Use\n```sh\n# not a heading\nls\n```\ndone") == [
        ("Use", "```sh\n# not a heading\nls\n```\ndone")
    ]


def test_front_matter_is_left_out() -> None:
    assert sections("---\ntitle: x\n---\n# A\nb") == [("A", "b")]


def test_html_has_neither_scripts_nor_menus() -> None:
    found = extract_html("<nav>Home</nav><h1>Oven &amp; Co</h1><script>x()</script><p>Self-cleaning.<p>Hot<br>very")
    assert [(one.heading, one.text.split()) for one in found] == [("Oven & Co", ["Self-cleaning.", "Hot", "very"])]


@given(st.text(max_size=300))
def test_any_text_is_read_as_html_and_markdown(text: str) -> None:
    extract_html(text)
    list(split_markdown(text))


@given(st.text(alphabet="ab .\n", max_size=3000))
def test_parts_are_short_and_lose_nothing(text: str) -> None:
    parts = list(split_parts([DocumentSection("h", text)]))
    assert all(0 < len(part.text) <= MAX_PART_CHARACTERS for part in parts)
    assert "".join("".join(part.text.split()) for part in parts) == "".join(text.split())


async def read(path: Path, content: bytes) -> list[tuple[str, str]]:
    path.write_bytes(content)  # noqa: ASYNC240 - a test
    return [(part.heading, part.text) for part in await read_document(path)]


async def test_a_pdf_is_read_page_by_page(tmp_path: Path) -> None:
    found = await read(tmp_path / "a.pdf", write_pdf([page("first page"), page("second page")], compressed=True))
    assert found == [("page 1", "first page"), ("page 2", "second page")]


async def test_a_megabyte_in_one_line_is_split(tmp_path: Path) -> None:
    parts = await read(tmp_path / "a.txt", b"word " * 200_000)
    assert sum(text.count("word") for _, text in parts) == 200_000


async def test_text_of_windows_is_read(tmp_path: Path) -> None:
    assert await read(tmp_path / "a.txt", "Grüße".encode("utf-16")) == [("", "Grüße")]


BAD: list[tuple[str, bytes, str]] = [
    ("a.pdf", b"plain text", "is no PDF"),
    ("a.pdf", b"%PDF-1.4\nnonsense", "no PDF, or a damaged one"),
    ("a.pdf", write_pdf([b"0" * 200_000_000], compressed=True), "damaged|memory or time|no text"),
    ("a.pdf", write_pdf([page("")] * 501), "501 pages"),
    ("a.pdf", write_pdf([b""]), "no text in it"),
    ("a.zip", b"PK\x03\x04", "none of the kinds"),
    ("a.txt", b"a\0b", "NUL"),
    ("a.txt", b"\xff\xfe\x00", "UTF-8"),
    ("a.txt", b"Gr\xfc\xdfe", "iconv"),
    ("a.md", b"", "no text in it"),
    ("a.txt", b"x" * (MAX_FILE_BYTES + 1), "larger than 20 MB"),
    ("a.txt", b"word \n\n" * 2_500_000, "parts of text"),
]


@pytest.mark.parametrize(("name", "content", "reason"), BAD, ids=[f"{name} {reason}" for name, _, reason in BAD])
async def test_what_is_no_document_says_why(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=reason):
        await read(tmp_path / name, content)


@pytest.mark.parametrize("name", ["gone.md", "gone"])
async def test_a_file_that_is_not_there_says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="there is no "):
        await read_document(tmp_path / name)


async def test_a_folder_with_the_name_of_a_document_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.md").mkdir()
    with pytest.raises(DocumentError, match="is no file"):
        await read_document(tmp_path / "notes.md")


def test_a_folder_is_walked_without_hidden_files_and_links(tmp_path: Path) -> None:
    (tmp_path / "b" / ".git").mkdir(parents=True)
    for name in ("b/two.md", "one.txt", "b/.git/x.md", ".hidden.md", "picture.png"):
        (tmp_path / name).write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    assert [str(path.relative_to(tmp_path)) for path in find_documents(tmp_path)] == ["one.txt", "b/two.md"]
