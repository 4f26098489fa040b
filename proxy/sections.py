"""What sections of config.yaml are made of: unknown keys are faults, every key has a default or is required."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from proxy.units import Single

Positive = Annotated[int, Field(ge=1)]

Item = TypeVar("Item")
UpToTwo = Annotated[tuple[Item, ...], Field(max_length=2), Single()]
OneOrTwo = Annotated[tuple[Item, ...], Field(min_length=1, max_length=2), Single()]


def option(written: Any, description: str) -> Any:
    """Make a key that may be left out: what holds then, as it would be written in the file, and what the key means."""
    return Field(default=written, description=description)


class Node(BaseModel):
    """A section of the file: unknown keys are faults, and nothing changes once it is built."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)
