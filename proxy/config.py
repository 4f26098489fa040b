"""The frozen tree of config.yaml: what may stand where, and what holds where nothing stands.

One class is one section, one field is one key with its default as it would be written in the file and one line of
meaning; README's table and config.schema.json are made of the same fields (schema.py). A validator here judges one
value by itself; what two values say together is in crosschecks.py. Every policy key may stand again in a route: the
tree is resolved when it is built, so that a route's `policy` is whole and nobody asks twice.

Messages name what would be allowed and never what was found, because a secret may stand in the wrong place.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from policy.model import AllowList
from proxy.accounts import Auth, Webhook
from proxy.branding import Unsubscribe
from proxy.limits import Limits
from proxy.message_links import MessageLinks
from proxy.scoping import Blacklists, Profiles
from proxy.sections import Node, OneOrTwo, Positive, UpToTwo, option
from proxy.units import Duration, FrozenMap, Listening, OneOrMore, Secret, Size
from proxy.values import (
    AllowedAddress,
    Credential,
    FilePath,
    HostName,
    Name,
    Network,
    ProviderName,
    PublicUrl,
    RawPath,
    Region,
    RouteName,
    ScopeName,
    Sha256,
    Text,
    Upstream,
    allow_list,
)

SANDBOX: Final = "sandbox"

Doubt = Literal["refuse", "pass"]
Lasting = Annotated[Duration, Field(gt=0)]
Bounded = Annotated[Size, Field(gt=0)]


class Scope(StrEnum):
    """What a key of the API opens."""

    USERS = "users"
    EVENTS = "events"
    RELEASE = "release"
    RECORDS = "records"
    BLACKLISTS = "blacklists"
    ADMIN = "admin"


class Tls(Node):
    """The certificate of a listener; both files are read again when they change."""

    cert: FilePath = Field(description="file with the certificate and its chain (PEM)")
    key: FilePath = Field(description="file with the private key (PEM, without a password)")


class Listener(Node):
    """Where a door is open; written as an address, or as {address, tls} where it speaks TLS."""

    address: Listening = Field(description="host:port or [IPv6 address]:port; port 0 takes any free one")
    tls: Tls | None = option(None, "certificate, where the listener speaks TLS itself")

    @model_validator(mode="before")
    @classmethod
    def _from_address(cls, value: Any) -> Any:
        return {"address": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show both ways to write it."""
        section = handler.resolve_ref_schema(handler(core))
        both = {"anyOf": [section["properties"]["address"], dict(section)]}
        section.clear()
        section.update(both)
        return section


class Listen(Node):
    """The four doors."""

    proxy: Listener = option("127.0.0.1:8080", "the senders' door")
    api: Listener = option("127.0.0.1:8081", "the operators' door: users, events, blacklists, records")
    public: Listener = option("127.0.0.1:8082", "the providers' and recipients' door: webhooks, unsubscribe links")
    ops: Listener = option("127.0.0.1:8083", "/metrics, /health/live and /health/ready, without a key")


class Store(Node):
    """Where the gate remembers."""

    path: FilePath = option(
        "data/sendgate.db", "the SQLite file, on a local disk; a relative path starts at this file's folder"
    )
    pepper: Secret = option("", "secret of the keyed hashes; only as ${NAME} or ${file:PATH}")


class Policy(Node):
    """What is done with a send; each key may be set again in a route, for this route alone."""

    mode: Literal["enforce", "shadow"] = option(
        "enforce", "shadow forwards everything and only tells what would have been refused"
    )
    on_refused: Literal["trim", "refuse"] = option(
        "trim", "trim takes the refused recipients out, refuse refuses the whole send"
    )
    refusal: Literal["error", "native"] = option(
        "error",
        "error: the provider's error shape, native: as the provider answers for a suppressed recipient",
    )
    on_unreadable: Doubt = option("refuse", "a send whose body cannot be read")
    on_bypass: Literal["strip", "refuse", "pass"] = option(
        "strip", "a send that switches the provider's own suppression off: strip takes the switch out"
    )
    on_unknown_request: Doubt = option("refuse", "a request the provider's file does not know")
    on_store_error: Doubt = option("refuse", "a send while the store cannot be read or written")
    unknown_recipients: Literal["pass", "refuse"] = option(
        "pass", "recipients that nobody in the store has as an address"
    )
    allow_only: tuple[AllowedAddress, ...] = option(
        (), "guard outside production: addresses, +numbers and *@domains; the rest is refused"
    )
    max_schedule_ahead: Duration = option("24h", "how far ahead marketing may be scheduled at the provider")

    @cached_property
    def allow_list(self) -> AllowList | None:
        """Give `allow_only` as keys and domains, or None where everybody may be reached."""
        return allow_list(self.allow_only) if self.allow_only else None


class Transactional(Node):
    """What makes a send of this route transactional."""

    always: bool = option(written=False, description="every send of this route is transactional")
    markers: FrozenMap[Text, OneOrMore[Text]] = option(
        {}, "fields of the provider and the values in them that say transactional"
    )


class Timeout(Node):
    """How long the upstream may take."""

    connect: Lasting = option("5s", "for opening a connection to the provider")
    total: Lasting = option("60s", "for one request, from its first byte to the end of the answer")


class Route(Policy):
    """One provider account behind the gate; its name is the first segment of the proxy URL."""

    provider: ProviderName = Field(description="name of the provider's file")
    upstream: Upstream = Field(
        description="URL of the provider's API, without what requests bring along (/v3), or sandbox: the built-in one"
    )
    host: OneOrMore[HostName] = option((), "host names that lead to this route, for SDKs that cannot set a path")
    listen: Listener | None = option(None, "an address of the route's own")
    transactional: Transactional = option({}, "what makes a send transactional")
    business_unit: Text = option("", "narrows opt-outs to this business unit")
    scope: ScopeName = option("", "of blacklist entries: only those of this scope, and those without one, count here")
    region: Region = option("", "country of phone numbers in national form (ISO 3166: DE)")
    auth: Auth | None = option(
        None,
        "the gate's own: {kind: bearer, token}, {kind: basic, username, password}, {kind: header, name, value}, "
        "{kind: body, key} or {kind: aws, access_key_id, …}",
    )
    links: MessageLinks = option({}, "unsubscribe links that the gate puts into marketing mail")
    webhook: Webhook | None = option(None, "the provider's webhooks, taken at /webhooks/ROUTE of the public listener")
    allow_paths: tuple[RawPath, ...] = option(
        (),
        "paths that pass though they hide their recipients or are unknown; without the route's name, * for one segment",
    )
    timeout: Timeout = option({}, "how long the upstream may take")
    max_body: Bounded = option("30MiB", "the largest body of a send, as sent and inflated")
    max_connections: Positive = option(100, "open connections to the provider at once")

    @property
    def sandbox(self) -> bool:
        """Tell whether the built-in upstream stands in for the provider."""
        return self.upstream == SANDBOX

    @cached_property
    def policy(self) -> Policy:
        """Give the whole policy of this route: its own keys, else those of `policy`, else the defaults."""
        return Policy.model_construct(**{name: getattr(self, name) for name in Policy.model_fields})

    def inheriting(self, policy: Policy) -> Route:
        """Fill the policy keys that the route leaves open."""
        left_open = Policy.model_fields.keys() - self.model_fields_set
        return self.model_copy(update={name: getattr(policy, name) for name in left_open})


class AwsKey(Node):
    """A key pair by which a sender signs."""

    access_key_id: Credential = Field(description="id of a key pair that the sender signs with, made up for the gate")
    secret_access_key: Credential = Field(description="its secret; an SDK signs with it as with a key of AWS")


class Sender(Node):
    """A system that sends through the gate, known by a key, by what it sends or signs anyway, or by a listener."""

    name: Name = Field(description="what records and metrics call this sender")
    key: UpToTwo[Credential] = option((), "value of X-Sendgate-Key; a list of two during rotation")
    credential_sha256: UpToTwo[Sha256] = option(
        (), "SHA-256 of the provider credential this sender sends anyway; two during rotation"
    )
    aws: UpToTwo[AwsKey] = option(
        (), "key pairs that this sender signs with, made up for the gate; two during rotation"
    )
    listen: Listener | None = option(None, "an address that is this sender's alone")
    routes: tuple[RouteName, ...] = Field(description="the routes this sender may use")
    may_claim: tuple[Literal["transactional"], ...] = option((), "message classes that X-Sendgate-Class may claim")
    business_units: tuple[Text, ...] = option((), "business units that X-Sendgate-Business-Unit may name")
    subaccounts: tuple[Text, ...] = option(
        (),
        "subusers or subaccounts that this sender may name beside the gate's credential, in a header or in the path "
        "(On-Behalf-Of, Twilio's account); * for any",
    )


class ApiKey(Node):
    """A system that may use the API."""

    name: Name = Field(description="what logs call this key")
    key: OneOrTwo[Credential] = Field(description="the key itself; a list of two during rotation")
    scopes: tuple[Scope, ...] = Field(description="what the key opens")


class Api(Node):
    """The operators' door."""

    keys: tuple[ApiKey, ...] = option((), "who may use the API; without keys it is loopback only")


class Users(Node):
    """What the gate knows of people."""

    on_delete: Literal["forget", "keep_suppressed"] = option(
        "forget", "keep_suppressed goes on blocking a deleted user by a keyed hash"
    )
    phone_traits: tuple[Text, ...] = option(("phone", "mobile"), "traits of a profile that hold phone numbers")


class Events(Node):
    """What the gate takes in."""

    accept: tuple[Text, ...] = option((), "further event names that are accepted and only journalled")
    keep: Lasting = option("400d", "how long the journal keeps an event")


class Records(Node):
    """What the gate keeps of sends that failed."""

    keep: Lasting = option("90d", "how long a dispatch failed record is kept")
    max_rows: Positive = option(10_000_000, "how many are kept at most, the oldest go first")


class Log(Node):
    """What the gate says."""

    level: Literal["debug", "info", "warning", "error"] = option("info", "the least level that is logged")
    format: Literal["json", "console"] = option("json", "json for machines, console for people")


class Config(Node):
    """The whole file."""

    listen: Listen = option({}, "the gate's addresses; a change needs a restart")
    trusted_proxies: tuple[Network, ...] = option((), "networks (CIDR) whose X-Forwarded-* headers are believed")
    public_url: PublicUrl = option("", "how the public listener is reached from outside")
    store: Store = option({}, "where the gate remembers; a change needs a restart")
    policy: Policy = option({}, "what is done with a send, on every route that does not say otherwise")
    unsubscribe: Unsubscribe = option({}, "the links in messages, and the page behind them")
    users: Users = option({}, "what the gate knows of people")
    events: Events = option({}, "what the gate takes in")
    blacklists: Blacklists = option({}, "how the blacklists of addresses are kept")
    profiles: Profiles = option({}, "what profiles and users have in common")
    routes: FrozenMap[RouteName, Route] = option({}, "the providers behind the gate, by route name")
    limits: Limits = option({}, "how much is taken on at once")
    senders: tuple[Sender, ...] = option((), "who may send; without senders, whoever reaches the proxy listener")
    api: Api = option({}, "who may use the API")
    records: Records = option({}, "what is kept of sends that failed")
    log: Log = option({}, "what the gate says")

    @field_validator("routes", mode="after")
    @classmethod
    def _whole(cls, routes: Mapping[str, Route], info: ValidationInfo) -> Mapping[str, Route]:
        policy = info.data.get("policy", Policy())
        return MappingProxyType({name: route.inheriting(policy) for name, route in routes.items()})
