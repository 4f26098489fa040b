"""What config.yaml says of the unsubscribe links that a route puts into marketing mail."""

from __future__ import annotations

from typing import Annotated

from proxy.sections import Node, option
from proxy.units import Form

# What no template language, no HTML and no form writes in two ways, and no text holds by chance.
Placeholder = Annotated[
    str,
    Form(
        r"(?:[A-Za-z0-9{}\[\]()%$#@!*|:._~-]{6,64})?",
        "must be 6 to 64 letters, digits and marks of {}[]()%$#@!*|:._~-, as in {{unsubscribe}}",
    ),
]


class MessageLinks(Node):
    """What is put into the marketing mail of a route; nothing unless it is said here."""

    headers: bool = option(
        written=False, description="put List-Unsubscribe and List-Unsubscribe-Post (one-click) into marketing mail"
    )
    instead_of_provider: bool = option(
        written=False, description="also where the provider would add its own, which its account was told not to do"
    )
    placeholder: Placeholder = option("", "what stands in texts where the link goes: {{unsubscribe}}")

    def __bool__(self) -> bool:
        """Tell whether there is anything to put in."""
        return self.headers or bool(self.placeholder)
