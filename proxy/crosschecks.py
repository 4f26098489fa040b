"""What values of config.yaml say together: clashes are faults, warnings are not, and some changes need a restart.

Each clash names the sections it rests on. Where one of them is faulty itself, the clash might be untrue and is kept
back (loading.py).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import combinations
from urllib.parse import urlsplit

from policy import blacklists
from proxy import signing
from proxy.accounts import Body
from proxy.config import Config, Listener, Route, Sender
from proxy.credentials import own_account
from proxy.faults import Place, key_path
from proxy.hooks import base as hooks
from proxy.linking import base as linking
from proxy.providers import base as providers


@dataclass(frozen=True, slots=True)
class Clash:
    """Two values that do not go together: where it is told, in which words, and the sections it rests on."""

    place: Place
    says: str
    rests_on: tuple[Place, ...]

    def touches(self, broken: Collection[Place]) -> bool:
        """Tell whether a section it rests on is among those that are broken."""
        return any(section[: len(place)] == place for section in self.rests_on for place in broken)


def clashes(config: Config) -> Iterator[Clash]:
    """Find everything in a tree that does not go together."""
    yield from _open_relays(config)
    yield from _keys_in_bodies(config)
    yield from _signatures(config)
    yield from _accounts(config)
    yield from _open_api(config)
    yield from _senders_without_route(config)
    yield from _senders_without_mark(config)
    yield from _names(config)
    yield from _keys(config)
    yield from _hosts(config)
    yield from _addresses(config)
    yield from _scopes(config)
    yield from _webhooks(config)
    yield from _message_links(config)


def listeners(config: Config) -> Iterator[tuple[Place, Listener]]:
    """Give every listener with its place: the doors, then those of routes, then those of senders."""
    for door in type(config.listen).model_fields:
        yield ("listen", door), getattr(config.listen, door)
    for name, route in config.routes.items():
        if route.listen is not None:
            yield ("routes", name, "listen"), route.listen
    for at, sender in enumerate(config.senders):
        if sender.listen is not None:
            yield ("senders", at, "listen"), sender.listen


def config_warnings(config: Config) -> tuple[str, ...]:
    """Tell what is allowed and still deserves a look, each with its key path; no value of the file is in it."""
    return tuple(f"{key_path(place)}: {says}" for place, says in _warnings(config))


def needs_restart(old: Config, new: Config) -> tuple[str, ...]:
    """Name the key paths that differ between two trees and cannot change while the gate runs.

    These are addresses, whether an address speaks TLS (its files may change), and the store's file and pepper.
    """
    before, after = _bindings(old), _bindings(new)
    moved = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    store = [f"store.{key}" for key in ("path", "pepper") if getattr(old.store, key) != getattr(new.store, key)]
    return (*moved, *store)


def _bindings(config: Config) -> dict[str, Hashable]:
    """Give what each listener binds; a sender goes by its name, because its position says nothing."""
    return {
        key_path(("senders", config.senders[int(place[1])].name, "listen") if place[0] == "senders" else place): (
            listener.address,
            listener.tls is not None,
        )
        for place, listener in listeners(config)
    }


def _open_relays(config: Config) -> Iterator[Clash]:
    """A route that adds a credential must not be open to everybody who reaches it."""
    for name, route in config.routes.items():
        if route.auth is None or _has_sender(name, config.senders) or _only_local(config, route):
            continue
        yield Clash(
            ("routes", name, "auth"),
            "is an open relay: whoever reaches the proxy listener sends with this credential; "
            "add a sender that lists this route, or bind listen.proxy (and the route's own listen) to loopback",
            (("routes", name), ("senders",), ("listen", "proxy")),
        )


def _keys_in_bodies(config: Config) -> Iterator[Clash]:
    """A key stands in the body where the provider looks for it there, and nowhere else."""
    for name, route in config.routes.items():
        in_body = isinstance(providers.load(route.provider), providers.WritesKey)
        if route.auth is None or isinstance(route.auth, Body) == in_body:
            continue
        says = "must be body: this provider takes its key there and nowhere else"
        if not in_body:
            says = "cannot be body: this provider takes no key there; use bearer, basic or header"
        yield Clash(("routes", name, "auth", "kind"), says, (("routes", name),))


def _signatures(config: Config) -> Iterator[Clash]:
    """Signatures of AWS are for the providers that take them, and for these the gate has to sign itself."""
    for name, route in config.routes.items():
        kind, signed = route.auth.kind if route.auth else "", _is_signed(route)
        says = ""
        if kind == "aws" and not signed:
            says = "cannot be of kind aws: this provider takes no signatures of AWS"
        elif kind == "aws" and not route.sandbox and not signing.available():
            says = "needs botocore, which is not installed: .venv/bin/pip install -c constraints.txt botocore"
        elif kind != "aws" and signed and not route.sandbox and not _keeps_host(route):
            says = (
                "must be of kind aws: a sender signs for the gate's address, and the provider refuses that; "
                "the gate needs a key of AWS, and senders get keys of their own under senders.aws"
            )
        if says:
            yield Clash(("routes", name, "auth"), says, (("routes", name),))


def _accounts(config: Config) -> Iterator[Clash]:
    """Where paths name accounts, the gate must know which one its credential is of: it opens others too."""
    for name, route in config.routes.items():
        provider = providers.load(route.provider)
        if route.auth is None or not isinstance(provider, providers.NamesAccount) or own_account(route.auth, provider):
            continue
        says = (
            "needs account: paths of this provider name the account that a request is about, "
            "and what is shown does not tell which one is its own"
        )
        yield Clash(("routes", name, "auth"), says, (("routes", name),))


def _is_signed(route: Route) -> bool:
    return bool(providers.aws_service(providers.load(route.provider)))


def _keeps_host(route: Route) -> bool:
    """Tell whether a request can come for the provider's own host, so that its signature holds while it is whole."""
    return (urlsplit(route.upstream).hostname or "") in route.host and not urlsplit(route.upstream).path


def _has_sender(route: str, senders: Iterable[Sender]) -> bool:
    return any(route in sender.routes for sender in senders)


def _only_local(config: Config, route: Route) -> bool:
    ways = [config.listen.proxy, *([route.listen] if route.listen else [])]
    return all(way.address.loopback for way in ways)


def _open_api(config: Config) -> Iterator[Clash]:
    if not config.api.keys and not config.listen.api.address.loopback:
        says = "must be a loopback address as long as api.keys is empty: 127.0.0.1:8081"
        yield Clash(("listen", "api"), says, (("listen", "api"), ("api",)))


def _senders_without_route(config: Config) -> Iterator[Clash]:
    there_are = f"there are: {', '.join(config.routes)}" if config.routes else "there is none"
    for at, sender in enumerate(config.senders):
        for nth, route in enumerate(sender.routes):
            if route not in config.routes:
                place = ("senders", at, "routes", nth)
                yield Clash(place, f"must be the name of a route; {there_are}", (("senders",), ("routes", route)))


def _senders_without_mark(config: Config) -> Iterator[Clash]:
    for at, sender in enumerate(config.senders):
        if not (sender.key or sender.credential_sha256 or sender.aws or sender.listen):
            says = "needs a key, a credential_sha256, an aws key or a listen address to be known by"
            yield Clash(("senders", at), says, (("senders",),))


def _names(config: Config) -> Iterator[Clash]:
    senders = ((("senders", at, "name"), sender.name) for at, sender in enumerate(config.senders))
    keys = ((("api", "keys", at, "name"), key.name) for at, key in enumerate(config.api.keys))
    yield from _twice(senders, "is the name of an earlier sender too; names must differ")
    yield from _twice(keys, "is the name of an earlier key too; names must differ")


def _keys(config: Config) -> Iterator[Clash]:
    """One key must lead to one sender, or to one set of scopes; within one entry it may stand twice."""
    senders = [(("senders", at, "key"), key) for at, one in enumerate(config.senders) for key in set(one.key)]
    digests = [
        (("senders", at, "credential_sha256"), digest)
        for at, one in enumerate(config.senders)
        for digest in set(one.credential_sha256)
    ]
    signing_keys = [
        (("senders", at, "aws"), key)
        for at, one in enumerate(config.senders)
        for key in {pair.access_key_id for pair in one.aws}
    ]
    api = [(("api", "keys", at, "key"), key) for at, one in enumerate(config.api.keys) for key in set(one.key)]
    yield from _twice(senders, "is the key of an earlier sender too; keys must differ")
    yield from _twice(digests, "is the credential of an earlier sender too; credentials must differ")
    yield from _twice(signing_keys, "has the access_key_id of an earlier sender; they must differ")
    yield from _twice(api, "is the key of an earlier entry too; keys must differ")


def _hosts(config: Config) -> Iterator[Clash]:
    hosts = [(("routes", name, "host"), host) for name, route in config.routes.items() for host in set(route.host)]
    yield from _twice(hosts, "is claimed by an earlier route too; a host leads to one route")


def _addresses(config: Config) -> Iterator[Clash]:
    for (first, one), (second, other) in combinations(listeners(config), 2):
        if one.address.clashes(other.address):
            says = f"is the same address as {key_path(first)}, or is covered by it; one address is one listener"
            yield Clash(second, says, (section_of(first), section_of(second)))


def _webhooks(config: Config) -> Iterator[Clash]:
    """A webhook that is never heard, or that anybody could send, must not look as if it worked."""
    for name, route in config.routes.items():
        section, webhook = ("routes", name), route.webhook
        if webhook is None:
            continue
        known = hooks.load(route.provider)
        secrets = hooks.Secrets(tuple(key.reveal() for key in webhook.key), webhook.topics)
        says = "no webhooks of this provider are known" if known is None else hooks.flaw(known, secrets)
        if says:
            yield Clash((*section, "webhook"), says, (section,))


def _message_links(config: Config) -> Iterator[Clash]:
    """Links that could not be made, or that nobody could use, must not look as if they were in every mail."""
    for name, route in config.routes.items():
        says = _links_flaw(config, route) if route.links else ""
        if says:
            rests_on = (("routes", name), ("unsubscribe",), ("public_url",))
            yield Clash(("routes", name, "links"), says, rests_on)
        known = linking.load(route.provider)
        if route.links.variable and known is not None and not known.TEMPLATES:
            says = "cannot be put into the templates of this provider"
            yield Clash(("routes", name, "links", "variable"), says, (("routes", name),))


def _links_flaw(config: Config, route: Route) -> str:
    if linking.load(route.provider) is None:
        return f"cannot be put into messages of this provider; there are: {', '.join(linking.names())}"
    if not config.unsubscribe.keys:
        return "needs unsubscribe.keys, which make the links"
    if not config.public_url:
        return "needs public_url, where the links lead"
    if not (config.public_url.lower().startswith("https:") or _is_local(config.public_url)):
        return "needs a public_url of https: mailbox providers use one-click links over nothing else (RFC 8058)"
    if _is_signed(route) and not route.sandbox and not (route.auth and route.auth.kind == "aws"):
        return "needs auth of kind aws: what a sender signed cannot be changed on its way"
    return ""


def _scopes(config: Config) -> Iterator[Clash]:
    """A route's scope, or one that stands for a business unit, must be one that an entry may have."""
    routes = ((("routes", name), "scope", route.scope) for name, route in config.routes.items())
    units = ((("profiles", "business_units"), scope, scope) for scope in config.profiles.business_units)
    for section, key, scope in (*routes, *units):
        try:
            blacklists.check_scope(scope or "0", lenient=config.blacklists.lenient_scopes)
        except blacklists.BadEntry as rule:
            says = f"is none by the strict rules: {rule}; blacklists.lenient_scopes takes capitals and hyphens"
            yield Clash((*section, key), says, (section, ("blacklists",)))


def _twice(found: Iterable[tuple[Place, Hashable]], says: str) -> Iterator[Clash]:
    seen: dict[Hashable, Place] = {}
    for place, value in found:
        if value in seen:
            yield Clash(place, says, (section_of(seen[value]), section_of(place)))
        seen.setdefault(value, place)


def section_of(place: Place) -> Place:
    """Give the section that stands or falls as a whole: a route, a listener, else a top-level key."""
    return place[:2] if place[:1] in (("routes",), ("listen",)) else place[:1]


def _warnings(config: Config) -> Iterator[tuple[Place, str]]:
    if not config.store.pepper:
        yield ("store", "pepper"), "is empty: hashes of removed addresses can be guessed by whoever gets the file"
    if not config.senders and (wide := _wide_doors(config)):
        yield wide, "is open to other machines and there are no senders: whoever reaches it may send"
    yield from _link_warnings(config)
    yield from _address_warnings(config)
    for name, route in config.routes.items():
        yield from ((("routes", name, key), says) for key, says in _route_warnings(route))
    for at, sender in enumerate(config.senders):
        marked = sender.key or sender.credential_sha256 or sender.aws
        if sender.listen and not (marked or sender.listen.address.loopback):
            yield ("senders", at, "listen"), "is all this sender is known by, and other machines can reach it"


def _link_warnings(config: Config) -> Iterator[tuple[Place, str]]:
    if config.unsubscribe.keys and not config.public_url:
        yield ("public_url",), "is empty: no unsubscribe link can be made"
    elif config.unsubscribe.keys and not (config.public_url.startswith("https:") or _is_local(config.public_url)):
        yield ("public_url",), "is plain http: mailbox providers use one-click links over https alone (RFC 8058)"


def _address_warnings(config: Config) -> Iterator[tuple[Place, str]]:
    """Without public_url the gate goes by the request's own Host and scheme, and a proxy before it changes both."""
    for name, route in config.routes.items():
        if route.webhook and not config.public_url and hooks.signs_address(hooks.load(route.provider)):
            says = "is signed with its own address, and public_url does not say which that is: behind a proxy it fails"
            yield ("routes", name, "webhook"), says


def _wide_doors(config: Config) -> Place:
    doors = (place for place, listener in listeners(config) if not listener.address.loopback)
    return next((place for place in doors if place[:2] == ("listen", "proxy") or place[0] == "routes"), ())


def _route_warnings(route: Route) -> Iterator[tuple[str, str]]:
    if route.upstream.lower().startswith("http:") and not _is_local(route.upstream):
        yield "upstream", "is plain http: messages and credentials can be read on the way"
    if _is_signed(route) and not route.sandbox and not (route.auth and route.auth.kind == "aws"):
        yield "auth", "is none: what a sender signed cannot be trimmed, and the provider refuses it then"
    if route.policy.mode == "shadow":
        yield "mode", "is shadow: nothing is kept from anybody, refusals are only told"
    for key in ("on_unreadable", "on_unknown_request", "on_bypass", "on_store_error"):
        if getattr(route.policy, key) == "pass":
            yield key, "is pass: what would be refused on doubt is sent"


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
