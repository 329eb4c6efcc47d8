"""Check the built pages: every link inside leads to a place that is there, and nothing is fetched from afar."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

__all__ = ["Page", "broken", "setup"]

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""Attributes that a browser follows by itself."""

BACK = re.compile(
    r"(?P<page>/reference/names/)(?P<object>[\w.]+)\.html#(?!(?P=object))regnet\.\w+(?P<member>(?:\.\w+)?)(?=\")"
)
"""Such a link: the object of the page, and what it says to be there."""

NO_FETCH = {"canonical", "prev", "next", "search", "index", "author", "help", "copyright", "up", "top"}
"""What a `link` may be that is not fetched."""


class Page(HTMLParser):
    """The places of a page (`ids`), where it leads (`links`), and what it fetches (`fetched`)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = {"", "top"}
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag has of these."""
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        of_page = set(given.get("rel", "").split()) & NO_FETCH
        if tag in FETCHED and given.get(FETCHED[tag]) and not of_page:
            self.fetched.append(given[FETCHED[tag]])


def broken(folder: Path) -> list[str]:
    """What is wrong in the pages of a folder, a sentence each."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
        if "_static" not in path.parts
    }
    found = []
    for path, page in sorted(pages.items()):
        here = path.relative_to(folder.resolve())
        for target in dict.fromkeys([*page.links, *page.fetched]):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.fetched and parts.scheme != "data":
                    found.append(f"{here} fetches {target}: the site must work without a network")
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not goal.exists():
                found.append(f"{here} leads to {target}, which is not there")
            elif goal in pages and unquote(parts.fragment) not in pages[goal].ids:
                found.append(f"{here} leads to {target}: the page is there, the place is not")
    return found


def _mend_back_links(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Links from a module's source to the reference.

    viewcode takes all objects of a module for members of the package that the first one is documented in; a page of the
    reference has the name of its object.
    """
    if name.startswith("_modules/"):
        context["body"] = BACK.sub(r"\g<page>\g<object>.html#\g<object>\g<member>", context["body"])


def _check(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        wrong = broken(Path(app.outdir))
        if wrong:
            raise ExtensionError("\n".join(wrong))


def setup(app: Sphinx) -> dict[str, Any]:
    """Mend when a page is made, check when all are written."""
    app.connect("html-page-context", _mend_back_links)
    app.connect("build-finished", _check, priority=900)
    return {"parallel_read_safe": True}
