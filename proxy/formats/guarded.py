"""What of a provider's API opens the account itself, and is refused although it dispatches nothing.

A route with a credential of its own (`auth`) lends it to every sender. With it a sender could read what signs the
webhooks, point them elsewhere, make itself a key, or take a person off the provider's own list of suppressions. None
of that is sending, so none of it passes unless the operator allows the path by name.

Reading counts where the answer holds a secret: a webhook's address may carry one. Servers fold case here and there, and
so does this.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_METHODS: Final = {"*": "[^ ]+", "READ": "(?:GET|HEAD|OPTIONS)", "WRITE": "(?!(?:GET|HEAD|OPTIONS) )[^ ]+"}


def guarded(*rows: str) -> Callable[[str, str], bool]:
    """Make a test of method and path, as `strict.plain_path` gives it, out of rows such as `* /v3/webhooks/**`.

    The method is one, `*` for any, READ (GET, HEAD, OPTIONS) or WRITE (any other). In the path `*` stands for whatever
    one segment holds, `/**` at the end for all that lies below, and the path itself.
    """
    pattern = re.compile("|".join(map(_pattern, rows)), re.IGNORECASE | re.DOTALL)
    return lambda method, path: pattern.fullmatch(f"{method} {path}") is not None


def _pattern(row: str) -> str:
    method, _, path = row.partition(" ")
    exact = "[^/]*".join(map(re.escape, path.removesuffix("/**").split("*")))
    return f"{_METHODS.get(method, method)} {exact}{'(?:/.*)?' if path.endswith('/**') else ''}"
