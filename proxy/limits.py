"""What config.yaml says of how much the gate takes on at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from proxy.sections import Node, option
from proxy.units import Size


class Limits(Node):
    """How much the gate takes on at once."""

    bodies: Annotated[Size, Field(gt=0)] = option(
        "256MiB", "bytes of senders' bodies held at once, with what many small values in them take when they are read"
    )
