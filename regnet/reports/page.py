"""What a page of a report consists of, and how it becomes HTML that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, final

__all__ = ["Figure", "Page", "Table", "check_libraries", "render"]

MISSING = "A report needs altair and vl-convert-python: pip install altair vl-convert-python."


class Figure(NamedTuple):
    """A chart of altair's, and what one sees on it in words."""

    title: str
    told: str
    chart: Any


class Table(NamedTuple):
    """Cells as text under a header; marked: the numbers of the rows that stand out."""

    title: str
    told: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[int] = frozenset()


@final
@dataclass(frozen=True)
class Page:
    """A title, one sentence that answers what was asked, notes that a reader must not miss, parts, and facts."""

    title: str
    answer: str
    notes: Sequence[str]
    parts: Sequence[Figure | Table]
    facts: Mapping[str, str]


def check_libraries() -> None:
    """Raise ImportError, with the remedy, if what pages are made with is missing."""
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise ImportError(MISSING) from error


def render(page: Page, /) -> str:
    """The page as HTML. Whatever stands in it is text, and escaped: names of a table's columns are its maker's."""
    check_libraries()
    from jinja2 import Environment, PackageLoader, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("regnet.reports"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    figures = [part for part in page.parts if isinstance(part, Figure)]
    charts = Markup(",\n".join(_json(part.chart) for part in figures))
    parts = [(part, figures.index(part) if isinstance(part, Figure) else None) for part in page.parts]
    template = environment.get_template("page.html")
    return str(template.render(page=page, parts=parts, charts=charts, library=Markup(_library())))


def _json(chart: Any) -> str:
    """A chart's description, in which no tag of HTML can begin or end."""
    description = chart.to_dict()
    text = json.dumps(description, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _library() -> str:
    """Vega-Lite and what shows it, 0.9 MB."""
    import vl_convert

    maker: Any = vl_convert  # whose types say that it needs an argument
    return str(maker.javascript_bundle()).replace("</script", "<\\/script")
