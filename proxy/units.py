"""The scalar values of config.yaml: durations, sizes, addresses and secrets, each parsed once, at the door.

Whatever stands in the file is text when it gets here, because a value may have come out of `${NAME}`. No error message
of this file holds the text it was given: the text may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import PurePath
from types import MappingProxyType
from typing import Annotated, Any, Final, NoReturn, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

MASK: Final = "********"

SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
BYTES: Final = {
    "": 1,
    "B": 1,
    "KB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
LONGEST: Final = 36_500 * SECONDS["d"]  # a hundred years: what comes out still fits a time in microseconds

DURATION: Final = r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)"
SIZE: Final = r"([0-9]{1,12}) ?(B|KB|MB|GB|KiB|MiB|GiB|)"
HOST_NAME: Final = r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"

SURROGATE: Final = re.compile("[\ud800-\udfff]")

Item = TypeVar("Item")
Key = TypeVar("Key")


class Secret:
    """A text that does not print itself: not by repr, str, format, pydantic, JSON or pickle, only by `reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself, for the one place that has to say or compare it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """Compare in a time that says nothing about where two secrets differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_raw(self._text), _raw(other._text))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Mapping[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Take text (or a secret), give the mask to every serializer."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(require_text(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: MASK),
            metadata={"pydantic_js_functions": [lambda *_: {"type": "string"}]},
        )


def _raw(text: str) -> bytes:
    """Give the bytes of a text; a header of a request may hold some that are no UTF-8, as lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def require_text(value: object) -> str:
    """Let text through and refuse all else, without repeating it; raises ValueError."""
    if not isinstance(value, str):
        message = "must be a single value, not a list and not a section of keys"
    elif SURROGATE.search(value):  # a variable whose bytes are not UTF-8 looks like this
        message = "must be valid Unicode text"
    else:
        return value
    raise ValueError(message)


def duration(value: object) -> float:
    """Read "500ms", "5s", "15m", "24h" or "90d" as seconds; raises ValueError."""
    if isinstance(value, float):
        return value
    found = re.fullmatch(DURATION, require_text(value))
    if found is None:
        raise ValueError("must be a number and a unit, one of ms, s, m, h, d: 5s, 24h, 90d")
    seconds = float(found[1]) * SECONDS[found[2]]
    if seconds > LONGEST:
        raise ValueError("must not be longer than a hundred years (36500d)")
    return seconds


def size(value: object) -> int:
    """Read "64KiB", "10MB" or plain digits as bytes; raises ValueError."""
    if isinstance(value, int):
        return value
    found = re.fullmatch(SIZE, require_text(value))
    if found is None:
        raise ValueError("must be bytes, or a number and a unit, one of KB, MB, GB, KiB, MiB, GiB: 64KiB, 30MiB")
    return int(found[1]) * BYTES[found[2]]


def as_tuple(value: object) -> object:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


class Single:
    """Marks a list that may be written as a single value."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Wrap a single value before the list is read."""
        return core_schema.no_info_before_validator_function(as_tuple, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Show both ways to write it."""
        many = handler(core)
        return {"anyOf": [many["items"], many]}


@dataclass(frozen=True, slots=True)
class Form:
    """Marks a text of one form: a pattern for all of it, and the sentence that says what is allowed.

    `fold` is applied before, and what comes out of it is kept.
    """

    pattern: str
    allowed: str
    fold: Callable[[str], str] = str

    def read(self, value: object) -> str:
        """Give the folded text; raises ValueError."""
        if isinstance(value, PurePath):
            value = str(value)
        text = self.fold(require_text(value))
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(self.allowed)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Read the text before anything else does."""
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Show the pattern, unless it holds only for the folded text."""
        return handler(core) | ({"pattern": f"^(?:{self.pattern})$"} if self.fold is str else {})


def _frozen_map(value: Mapping[Key, Item]) -> Mapping[Key, Item]:
    return MappingProxyType(dict(value))


def _thawed(value: Mapping[Key, Item], handler: SerializerFunctionWrapHandler) -> object:
    return handler(dict(value))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener binds: an IP address or a host name, and a port, 0 for any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: object) -> Address:
        """Read "host:port" or "[v6]:port"; raises ValueError."""
        if isinstance(value, Address):
            return value
        found = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^\[\]:]+)):([0-9]{1,5})", require_text(value))
        if found is None or int(found[3]) > 65_535:
            raise ValueError("must be host:port or [IPv6 address]:port: 127.0.0.1:8080, 0.0.0.0:8080, [::1]:8080")
        return cls(_ipv6(found[1]) if found[1] else _host(found[2]), int(found[3]))

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach the address."""
        return all(ip_address(host).is_loopback for host in self._ips()) if self._ips() else False

    def clashes(self, other: Address) -> bool:
        """Tell whether both cannot be bound at once: the same port, and one host covers the other."""
        if self.port != other.port or self.port == 0:
            return False
        if self.host == other.host:
            return True
        return any(_covers(mine, theirs) for mine in self._ips() for theirs in other._ips())

    def _ips(self) -> tuple[str, ...]:
        if self.host == "localhost":
            return ("127.0.0.1", "::1")
        return (self.host,) if _is_ip(self.host) else ()

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _covers(mine: str, theirs: str) -> bool:
    one, other = ip_address(mine), ip_address(theirs)
    return one.version == other.version and (one == other or one.is_unspecified or other.is_unspecified)


def _ipv6(text: str) -> str:
    if not _is_ip(text) or not isinstance(ip_address(text), IPv6Address):
        raise ValueError("what stands in the brackets must be an IPv6 address")
    return str(ip_address(text))


def _host(text: str) -> str:
    host = text.lower()
    if _is_ip(host):
        return host
    if re.fullmatch(HOST_NAME, host) is None or host.rpartition(".")[2].isdigit():
        raise ValueError("the host must be an IP address or a host name")
    return host


Duration = Annotated[
    float, BeforeValidator(duration), WithJsonSchema({"type": "string", "pattern": f"^(?:{DURATION})$"})
]
Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^(?:{SIZE})$"}]}),
]
Listening = Annotated[
    Address,
    BeforeValidator(Address.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^.+:[0-9]{1,5}$"}),
]
FrozenMap = Annotated[Mapping[Key, Item], AfterValidator(_frozen_map), WrapSerializer(_thawed)]
OneOrMore = Annotated[tuple[Item, ...], Single()]
