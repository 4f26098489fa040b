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

# What every template language takes for a name: Mandrill's begin with a letter.
Variable = Annotated[
    str,
    Form(
        r"(?:[A-Za-z][A-Za-z0-9_]{2,63})?",
        "must be 3 to 64 letters, digits and underscores that begin with a letter, as in unsubscribe_url",
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
    variable: Variable = option("", "the link's name in the data of stored templates: unsubscribe_url")

    def __bool__(self) -> bool:
        """Tell whether there is anything to put in."""
        return self.headers or bool(self.placeholder or self.variable)
