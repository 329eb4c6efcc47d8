"""Pictures of the gallery: those that regnet gives back, which pyplot does not know of."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from matplotlib.figure import Figure
from matplotlib.pyplot import figure as figure_of
from matplotlib.pyplot import get_fignums
from sphinx_gallery.scrapers import figure_rst

__all__ = ["scrape"]

_shown: WeakSet[Figure] = WeakSet()


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save every figure among an example's variables that was not there before; returns the markup that shows them."""
    of_pyplot = [figure_of(number) for number in get_fignums()]
    found = {
        id(value): value
        for value in block_vars["example_globals"].values()
        if isinstance(value, Figure) and value not in _shown and value not in of_pyplot
    }
    paths = []
    for figure, path in zip(found.values(), block_vars["image_path_iterator"], strict=False):
        figure.savefig(path, dpi=100, bbox_inches="tight")
        _shown.add(figure)
        paths.append(path)
    return str(figure_rst(paths, gallery_conf["src_dir"]))


def _get_sg_image_scraper() -> Any:
    return scrape
