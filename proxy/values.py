"""The texts of config.yaml that have a form: names, URLs, hosts, networks, credentials and allow_only's addresses.

No message of this file holds the text it was given: the text may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from policy import identity
from policy.model import AllowList
from proxy.providers import base
from proxy.units import HOST_NAME, Form, Secret, require_text

OWN_HEADERS: Final = frozenset(  # framing, and what the gate sets itself: no credential may stand there
    ("connection", "content-length", "content-type", "expect", "host", "keep-alive", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip

LINK_KEY: Final = 32  # characters that nobody guesses
PAGE_URL: Final = r"https://[!#-&(-+\--:=?-\[\]-~]+"  # of what a header or an attribute may hold as it is


def _credential(secret: Secret) -> Secret:
    text = secret.reveal()
    if not text:
        raise ValueError("is empty: is the variable or the file behind it?")
    if re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text) is None:
        raise ValueError("must be of printable ASCII characters without spaces at the ends, as it stands in a header")
    return secret


def _link_key(secret: Secret) -> Secret:
    if len(secret.reveal()) < LINK_KEY:
        raise ValueError(f"must have {LINK_KEY} characters at the least, such as `openssl rand -hex 32` gives")
    return secret


def _user_name(secret: Secret) -> Secret:
    if ":" in secret.reveal():
        raise ValueError("must not hold a colon: the password begins behind it")
    return secret


def _header_name(name: str) -> str:
    if name.lower() in OWN_HEADERS or name.lower().startswith("x-sendgate-"):
        raise ValueError("must not be a header that the gate sets itself (framing, Host, X-Sendgate-*)")
    return name


def known_providers(context: object) -> Collection[str]:
    """Give the names of providers that a validation was told of, else those found on disk."""
    told = context.get("providers") if isinstance(context, dict) else None
    return base.names() if told is None else told


def _provider(name: str, info: ValidationInfo) -> str:
    known = known_providers(info.context)
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"must be a provider's name: {', '.join(sorted(known))}{hint}")
    return name


def _region(region: str) -> str:
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("must be two letters of ISO 3166 that have phone numbers, such as DE, or empty")
    return region


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    """Let a relative path start at the configuration's folder, where a validation was told of one."""
    folder = info.context.get("folder") if isinstance(info.context, dict) else None
    return path if folder is None else folder / path


def _split_url(text: str) -> SplitResult | None:
    """Split a URL of visible ASCII into its parts; None if it is none, or has parts that only confuse."""
    if re.fullmatch(r"https?://[!-~]+", text, re.IGNORECASE) is None or re.search(r"[\\?#]", text):
        return None
    try:
        parts = urlsplit(text)
        port_fits = parts.port != 0
    except ValueError:
        return None
    host = parts.hostname or ""
    named = ":" in host or re.fullmatch(HOST_NAME, host) is not None
    return parts if named and port_fits and "@" not in parts.netloc and not parts.netloc.endswith(":") else None


_VERSION = re.compile(
    r"v\d+(?:\.\d+)*|\d+\.\d+|\d{4}-\d\d-\d\d", re.IGNORECASE
)  # a segment that names an API's version


def _upstream(value: object) -> str:
    text = require_text(value)
    if text == "sandbox":
        return text
    parts = _split_url(text)
    if parts is None:
        raise ValueError("must be a http or https URL without user, query and fragment, or the word sandbox")
    segments = parts.path.split("/")
    version = next((at for at, segment in enumerate(segments) if _VERSION.fullmatch(segment)), None)
    if version is not None:
        kept = "/".join(segments[:version]).removesuffix("/api")
        raise ValueError(
            f"must be without the version, which requests bring along: {parts.scheme}://{parts.netloc}{kept}"
        )
    return text.rstrip("/")


def _public_url(value: object) -> str:
    text = require_text(value)
    parts = _split_url(text)
    if text and (parts is None or parts.path):
        raise ValueError("must be http:// or https://, a host and perhaps a port, and nothing behind")
    return text


def _page_url(value: object) -> str:
    text = require_text(value)
    if text and (_split_url(re.split(r"[?#]", text)[0]) is None or re.fullmatch(PAGE_URL, text) is None):
        raise ValueError("must be a https:// URL without blanks, quotes, commas and semicolons")
    return text


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(require_text(value))
    except ValueError:
        pass
    raise ValueError("must be a network in CIDR form without host bits: 10.0.0.0/8, 192.0.2.7/32, fd00::/8")


def _domains(domain: str) -> frozenset[str]:
    return frozenset(identity.domain_of(key) for key in identity.email_keys(f"x@{domain}"))


def _reach(entry: str) -> AllowList:
    if entry.startswith("*@"):
        return AllowList(frozenset(), _domains(entry.removeprefix("*@")))
    if "@" not in entry and not identity.is_international(entry):
        return AllowList(frozenset(), frozenset())  # 0151… would open somebody's number in another country
    return AllowList(frozenset(identity.address_keys(entry)), frozenset())


def allow_list(entries: Iterable[str]) -> AllowList:
    """Turn allow_only's entries into all their keys and domains; an entry that gives none reaches nobody."""
    reached = [_reach(entry) for entry in entries]
    return AllowList(
        keys=frozenset().union(*(one.keys for one in reached)),
        domains=frozenset().union(*(one.domains for one in reached)),
    )


def _allowed_address(entry: str) -> str:
    if allow_list([entry]) == allow_list([]):
        raise ValueError("must be an e-mail address, a phone number with its country (+49…), or *@domain")
    return entry


Text = Annotated[str, Form(r"[^\x00-\x1f\x7f]*", "must be text on one line")]
Name = Annotated[
    str, Form(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "must be up to 64 letters, digits, dots, dashes and underscores")
]
RouteName = Annotated[
    str,
    Form(
        r"[a-z0-9][a-z0-9_-]{0,63}",
        "a route's name must be up to 64 of a-z, 0-9, _ and -, beginning with a letter or digit",
    ),
]
ScopeName = Annotated[
    str,
    Form(
        r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,63})?",
        "a scope must be up to 64 letters, digits and underscores, beginning with a letter or digit",
    ),
]
TimeOfDay = Annotated[str, Form(r"(?:[01]\d|2[0-3]):[0-5]\d", "must be a time of day from 00:00 to 23:59")]
HostName = Annotated[str, Form(HOST_NAME, "must be a host name without a port", str.lower)]
HeaderName = Annotated[
    str, Form(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", "must be the name of a header"), AfterValidator(_header_name)
]
RawPath = Annotated[str, Form(r"/[!-\"$->@-~]*", "must be a path that begins with / and has no ? and no #")]
FilePath = Annotated[Path, Form(r"[^\x00-\x1f\x7f]+", "must be the path of a file"), AfterValidator(_from_folder)]
Sha256 = Annotated[str, Form(r"[0-9a-f]{64}", "must be 64 hexadecimal digits: printf %s KEY | sha256sum", str.lower)]
AwsRegion = Annotated[
    str, Form(r"[a-z]{2,3}(?:-[a-z]+)+-\d{1,2}", "must be a region of AWS, such as eu-west-1", str.lower)
]
Region = Annotated[
    str, Form(r"[A-Z]{2}|", "must be two letters of ISO 3166, such as DE", str.upper), AfterValidator(_region)
]
ProviderName = Annotated[str, AfterValidator(_provider)]
AllowedAddress = Annotated[str, AfterValidator(_allowed_address)]
Credential = Annotated[Secret, AfterValidator(_credential)]
LinkKey = Annotated[Secret, AfterValidator(_credential), AfterValidator(_link_key)]
UserName = Annotated[Secret, AfterValidator(_credential), AfterValidator(_user_name)]
Upstream = Annotated[
    str, BeforeValidator(_upstream), WithJsonSchema({"type": "string", "pattern": "^(?:sandbox|https?://[^?#@\\s]+)$"})
]
PublicUrl = Annotated[
    str, BeforeValidator(_public_url), WithJsonSchema({"type": "string", "pattern": "^(?:https?://[^/?#@\\s]+)?$"})
]
PageUrl = Annotated[
    str, BeforeValidator(_page_url), WithJsonSchema({"type": "string", "pattern": "^(?:https://[!-~]+)?$"})
]
Colour = Annotated[
    str,
    Form(
        r"#[0-9a-f]{6}",
        "must be a colour of six hexadecimal digits: 1f4e8c (with a # in front, in quotes)",
        lambda text: f"#{text.lower().removeprefix('#')}",
    ),
]
Language = Annotated[str, Form(r"[a-z]{2,3}", "must be a language's two or three letters (ISO 639): en, de", str.lower)]
Network = Annotated[
    IPv4Network | IPv6Network, BeforeValidator(_network), PlainSerializer(str), WithJsonSchema({"type": "string"})
]
