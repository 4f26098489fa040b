"""Paths of Optimizely's APIs, which their clients write as `Track` and as `track`, with a slash at the end and without.

A route of theirs begins with a name in braces that stands for one of PATHS in any case; the document of the API shows
the path itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web

PATHS: Final[Mapping[str, str]] = {
    "blacklists": "api/v1.0/blacklists",
    "profiles": "api/v1.0/profiles",
    "scopes": "api/v1.0/scopes",
    "trackEventsV1": "api/v1.0/trackevents",
    "trackEvents": "api/v2.0/TrackEvents",
    "track": "api/v1.0/Track",
    "trackBulk": "api/v1.0/TrackBulk",
}
_SLASH: Final = "_"


def path(name: str, below: str = "") -> str:
    """Give the route of one of PATHS in any case, and of what is below it, with or without a slash at the end."""
    return f"/{{{name}:(?i:{re.escape(PATHS[name])})}}{below}{{{_SLASH}:/?}}"


def shown(resource: web.AbstractResource | None) -> str:
    """Give the path of a route as it is documented."""
    canonical = resource.canonical if resource is not None else ""
    return re.sub(r"{(\w+)}", lambda found: "" if found[1] == _SLASH else PATHS.get(found[1], found[0]), canonical)
