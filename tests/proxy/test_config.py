"""The tree of config.yaml: what holds where nothing stands, what a route inherits, and that nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType

import pytest
from pydantic import ValidationError

from policy import identity
from policy.model import AllowList
from proxy.accounts import Basic, Bearer, Body, Header
from proxy.config import Config, Policy, Route, Scope
from proxy.faults import ConfigError
from proxy.loading import parse
from proxy.units import Address, Secret

ROUTE = "\nroutes: {one: {provider: sendgrid, upstream: 'https://api.sendgrid.com'}}\n"


def no_file(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", str(path))


def tree(text: str, environ: Mapping[str, str] = MappingProxyType({})) -> Config:
    return parse(text, environ, no_file, providers=["mandrill", "sendgrid", "twilio"])


def one_route(keys: str, around: str = "", provider: str = "sendgrid") -> Route:
    """Give the route that has these keys beside provider and upstream."""
    text = f"{around}\nroutes:\n  one: {{provider: {provider}, upstream: sandbox, {keys}}}\n"
    return tree(text).routes["one"]


def test_what_is_left_out_has_its_default() -> None:
    """A file that names one route has the documented defaults everywhere else."""
    config = tree(ROUTE)
    route = config.routes["one"]
    assert [str(getattr(config.listen, door).address) for door in ("proxy", "api", "public", "ops")] == [
        f"127.0.0.1:{port}" for port in (8080, 8081, 8082, 8083)
    ]
    assert (config.store.path, bool(config.store.pepper)) == (Path("data/sendgate.db"), False)
    assert (route.timeout.connect, route.timeout.total, route.max_body) == (5.0, 60.0, 30 * 1024 * 1024)
    assert (config.events.keep, config.records.keep, config.records.max_rows) == (400 * 86_400, 90 * 86_400, 10_000_000)
    assert (config.users.on_delete, config.users.phone_traits) == ("forget", ("phone", "mobile"))
    assert (route.policy.mode, route.policy.on_unreadable, route.policy.max_schedule_ahead) == (
        "enforce",
        "refuse",
        86_400,
    )


def test_a_route_inherits_what_it_leaves_open() -> None:
    """A route's policy is its own keys, else those of `policy`, else the defaults."""
    route = one_route(
        "on_refused: refuse, max_schedule_ahead: 1h", "policy: {mode: shadow, on_refused: trim, max_schedule_ahead: 2h}"
    )
    assert route.policy == Policy(mode="shadow", on_refused="refuse", max_schedule_ahead=3600.0)
    assert type(route.policy) is Policy
    assert (route.mode, route.on_refused, route.max_schedule_ahead) == ("shadow", "refuse", 3600.0)


def test_a_route_may_set_a_key_back_to_its_default() -> None:
    """A route's own key counts even where it says what holds by default."""
    assert one_route("mode: enforce", "policy: {mode: shadow}").policy.mode == "enforce"


def test_one_route_does_not_change_another() -> None:
    """What a route sets holds for this route alone."""
    config = tree(
        """
        routes:
          a: {provider: sendgrid, upstream: sandbox, mode: shadow}
          b: {provider: sendgrid, upstream: sandbox}
        """
    )
    assert (config.policy.mode, config.routes["b"].policy.mode) == ("enforce", "enforce")


def test_allow_only_becomes_keys_and_domains() -> None:
    """The entries of allow_only become all their keys, and domains where they begin with a star."""
    route = one_route("", 'policy: {allow_only: [Me@Example.COM, +49 151 12345678, "*@Example.org", "*@faß.de"]}')
    domains = {identity.domain_of(key) for key in identity.email_keys("x@faß.de")}
    keys = {*identity.email_keys("me@example.com"), *identity.phone_keys("+4915112345678")}
    assert route.policy.allow_list == AllowList(frozenset(keys), frozenset({"example.org", *domains}))
    assert "me@example.com" in keys


def test_without_allow_only_everybody_may_be_reached() -> None:
    """No entries are no allow-list, and a route may lift the one it inherits."""
    assert one_route("").policy.allow_list is None
    assert one_route("allow_only: []", "policy: {allow_only: [me@example.com]}").policy.allow_list is None


def test_values_come_out_in_their_own_types() -> None:
    """Addresses, networks, hosts, credentials and scopes are parsed once, at the door."""
    config = tree(
        """
        listen: {proxy: {address: "[::1]:0"}}
        trusted_proxies: [10.0.0.0/8, "fd00::/8"]
        public_url: https://gate.example.com:8443
        routes:
          one:
            provider: sendgrid
            upstream: https://api.sendgrid.com/base/
            host: API.SendGrid.com
            region: de
            transactional: {always: "true", markers: {categories: receipt, subuser: [a, b]}}
            allow_paths: [/v3/marketing]
            listen: 127.0.0.1:9000
        senders: [{name: shop, key: k, routes: [one], may_claim: [transactional], business_units: [NO]}]
        api: {keys: [{name: crm, key: [new, old], scopes: [users, release]}]}
        """
    )
    route, sender, key = config.routes["one"], config.senders[0], config.api.keys[0]
    assert config.listen.proxy.address == Address("::1", 0)
    assert config.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert (route.upstream, route.host, route.region) == ("https://api.sendgrid.com/base", ("api.sendgrid.com",), "DE")
    assert route.transactional.always
    assert dict(route.transactional.markers) == {"categories": ("receipt",), "subuser": ("a", "b")}
    assert route.allow_paths == ("/v3/marketing",)
    assert (sender.key, sender.business_units) == ((Secret("k"),), ("NO",))
    assert (key.key, key.scopes) == ((Secret("new"), Secret("old")), (Scope.USERS, Scope.RELEASE))


@pytest.mark.parametrize(
    ("auth", "read"),
    [
        pytest.param("{kind: bearer, token: t}", Bearer(kind="bearer", token=Secret("t")), id="bearer"),
        pytest.param(
            "{kind: basic, username: u, password: p}",
            Basic(kind="basic", username=Secret("u"), password=Secret("p")),
            id="basic",
        ),
        pytest.param(
            "{kind: header, name: X-Key, value: App v}",
            Header(kind="header", name="X-Key", value=Secret("App v")),
            id="header",
        ),
        pytest.param("{kind: body, key: k}", Body(kind="body", key=Secret("k")), id="body"),
    ],
)
def test_auth_is_one_of_four_kinds(auth: str, read: Bearer | Basic | Header | Body) -> None:
    """An auth section has the keys of its kind."""
    provider = "mandrill" if isinstance(read, Body) else "sendgrid"
    assert one_route(f"auth: {auth}", provider=provider).auth == read


@pytest.mark.parametrize(
    ("upstream", "told"),
    [
        ("https://api.sendgrid.com/v3", "https://api.sendgrid.com"),
        ("https://api.sparkpost.com/api/v1/", "https://api.sparkpost.com"),
        ("https://mandrillapp.com/api/1.0", "https://mandrillapp.com"),
        ("https://api.mailjet.com:443/v3.1/send", "https://api.mailjet.com:443"),
        ("https://egress.example/sendgrid/v3", "https://egress.example/sendgrid"),
        ("https://api.twilio.com/2010-04-01", "https://api.twilio.com"),
    ],
)
def test_an_upstream_with_a_version_is_told_what_to_be(upstream: str, told: str) -> None:
    """A version in the upstream, which requests bring along, would stand twice: the fault says what to write."""
    with pytest.raises(ConfigError) as refused:
        tree(f"routes: {{one: {{provider: sendgrid, upstream: '{upstream}'}}}}")
    (fault,) = refused.value.faults
    assert str(fault).endswith(f"routes.one.upstream: must be without the version, which requests bring along: {told}")


def test_the_word_sandbox_is_an_upstream() -> None:
    """A route knows whether the built-in upstream stands in for its provider."""
    assert one_route("").sandbox
    assert not tree(ROUTE).routes["one"].sandbox


def test_the_tree_is_frozen() -> None:
    """Neither a key nor a name in the tree can be changed once it is built."""
    config = tree(ROUTE)
    with pytest.raises(ValidationError, match="frozen"):
        config.routes["one"].policy.mode = "shadow"
    with pytest.raises(ValidationError, match="frozen"):
        config.routes["one"].upstream = "sandbox"
    for mapping in (config.routes, config.routes["one"].transactional.markers):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["x"] = ()  # type: ignore[index] # what must not work


def test_the_tree_shows_no_secret() -> None:
    """No secret of the file is in the tree's repr, dump or JSON."""
    config = tree(
        """
        store: {pepper: "${PEPPER}"}
        routes:
          one: {provider: sendgrid, upstream: sandbox, auth: {kind: basic, username: hidden-1, password: hidden-2}}
        senders: [{name: s, key: [hidden-3, hidden-4], routes: [one]}]
        api: {keys: [{name: k, key: hidden-5, scopes: [admin]}]}
        """,
        {"PEPPER": "hidden-6"},
    )
    assert config.store.pepper.reveal() == "hidden-6"
    for shown in (repr(config), str(config), str(config.model_dump()), config.model_dump_json()):
        assert "hidden" not in shown
