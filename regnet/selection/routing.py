"""Where metadata of the rows goes from a search's `fit`: to the splitter, and to a scorer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sklearn.metrics._scorer import _BaseScorer
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metadata_routing import _raise_for_params as raise_for_params
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled

from regnet.backend.given import check_labels
from regnet.backend.placement import to_host

__all__ = ["Routed", "route", "router_of"]


class Routed(NamedTuple):
    """split: keyword arguments of the splitter; score: those of a scorer, None where nobody routes any to it."""

    split: Mapping[str, Any]
    score: Mapping[str, Any] | None


def router_of(search: Any, /) -> MetadataRouter:
    """What a search tells scikit-learn: `fit` takes what it requests itself, and what its splitter and scorer request.

    A score by name, or by a plain function, is the search's own affair, and has the weights of `fit`.
    """
    router = MetadataRouter(owner=search).add_self_request(search)
    splitter = check_cv(None if isinstance(search.cv, Iterable) else search.cv)  # a list of splits requests nothing
    router.add(splitter=splitter, method_mapping=MethodMapping().add(caller="fit", callee="split"))
    if _is_routed(search):
        router.add(scorer=search.scoring, method_mapping=MethodMapping().add(caller="fit", callee="score"))
    return router


def route(search: Any, /, *, sample_weight: Any, groups: Any, params: Mapping[str, Any]) -> Routed:
    """What splitter and scorer are given of that which `fit` was.

    With scikit-learn's metadata routing, what they request; without, the splitter has the groups. Raises ValueError or
    TypeError, in scikit-learn's words, for what nobody takes, or nobody has said whether to take.
    """
    if groups is not None:
        groups = to_host(check_labels("groups", groups))
        if groups.ndim != 1:
            raise ValueError(f"groups has the shape {groups.shape}: give one label a row, (n,).")
    if not routing_enabled():
        raise_for_params(params, search, "fit")
        return Routed({} if groups is None else {"groups": groups}, None)
    given = {"sample_weight": sample_weight, "groups": groups, **params}
    routed = process_routing(search, "fit", **{name: value for name, value in given.items() if value is not None})
    score = {name: to_host(value) for name, value in routed.scorer.score.items()} if _is_routed(search) else None
    return Routed({name: to_host(value) for name, value in routed.splitter.split.items()}, score)


def _is_routed(search: Any) -> bool:
    return isinstance(search.scoring, _BaseScorer)
