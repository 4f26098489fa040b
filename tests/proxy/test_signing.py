"""Signatures of AWS: checked as AWS checks them, and made so that AWS takes them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from policy.reasons import Reason
from proxy import signing
from proxy.errors import NotSent
from proxy.signing import Key, Signature, Signed
from tests.conftest import Message, OpenGate, RunningGate, Upstream, reply
from tests.conftest import request as written

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = Key("AKIDEXAMPLE", SECRET, "eu-west-1", "ses")
SEND = "/v2/email/outbound-emails"
BODY = b'{"Destination":{"ToAddresses":["a@example.com"]},"Content":{"Template":{"TemplateName":"x"}}}'
JSON = {"Content-Type": "application/json"}
ACCEPTED = reply(200, b'{"MessageId":"m-1"}', ("Content-Type", "application/json"))


def signed(
    url: str = f"http://gate.test/ses{SEND}",
    body: bytes = BODY,
    headers: Mapping[str, str] = JSON,
    key: Key = KEY,
    method: str = "POST",
) -> Signed:
    """Sign a request as botocore does for its clients, now."""
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    SigV4Auth(
        Credentials(key.access_key_id, key.secret_access_key, key.session_token), key.service, key.region
    ).add_auth(request)
    host, _, target = url.removeprefix("http://").partition("/")
    path, _, query = f"/{target}".partition("?")
    told = CIMultiDict([*request.headers.items(), ("Host", host)])
    return Signed(method, path, query, CIMultiDictProxy(told), body)


def sha(body: bytes) -> str:
    """Give the SHA-256 of a body."""
    return hashlib.sha256(body).hexdigest()


def shown(request: Signed) -> Signature:
    """Read the signature of a request."""
    found = signing.signature(request.headers["Authorization"])
    assert found is not None
    return found


def moment(request: Signed) -> float:
    """Give the time at which a request was signed."""
    return datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def check(request: Signed, *, secret: str = SECRET, service: str = "ses", after: float = 0.0) -> None:
    """Check a request some seconds after it was signed."""
    signing.check(shown(request), request, secret, service, moment(request) + after)


def with_headers(request: Signed, **changes: str | None) -> Signed:
    """Give a request with other headers; a double underscore stands for a dash, None takes one away."""
    named = {name.replace("__", "-"): value for name, value in changes.items()}
    headers = CIMultiDict(request.headers)
    for name, value in named.items():
        headers.popall(name, None)
        if value is not None:
            headers.add(name, value)
    return replace(request, headers=CIMultiDictProxy(headers))


# ── checking ──


def test_the_published_example_is_right() -> None:
    """The signature that AWS publishes for its plainest test request is the one that fits."""
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    headers = {"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z", "Authorization": authorization}
    check(Signed("GET", "/", "", CIMultiDictProxy(CIMultiDict(headers)), b""), service="service")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(signed(), id="a send"),
        pytest.param(signed("http://gate.test:8080/ses/", b"Action=SendEmail"), id="the query API, with a port"),
        pytest.param(
            signed("http://gate.test/ses/v2/email/suppression/addresses/a%40b.io?b=2&a=%2F&c", b"", method="GET"),
            id="escapes and a query",
        ),
        pytest.param(signed(headers={**JSON, "X-Amz-Content-Sha256": sha(BODY)}), id="a hash"),
        pytest.param(signed(headers={"X-Amz-Meta": "a   b \t c"}), id="blanks in a header"),
        pytest.param(signed(key=replace(KEY, session_token="token")), id="temporary keys"),
    ],
)
@pytest.mark.parametrize("after", [-300, 0, 300])
def test_what_an_sdk_signs_fits(request_: Signed, after: float) -> None:
    """What botocore signs is taken, up to five minutes before and after."""
    check(request_, after=after)


CHANGES: dict[str, Callable[[Signed], Signed]] = {
    "method": lambda one: replace(one, method="PUT"),
    "path": lambda one: replace(one, path=f"/other{SEND}"),
    "query": lambda one: replace(one, query="a=b"),
    "body": lambda one: replace(one, body=one.body.replace(b"a@", b"b@")),
    "host": lambda one: with_headers(one, Host="other.test"),
    "no host": lambda one: with_headers(one, Host=None),
    "type": lambda one: with_headers(one, Content__Type="text/plain"),
    "no date": lambda one: with_headers(one, X__Amz__Date=None),
    "an empty date": lambda one: with_headers(one, X__Amz__Date="00000000T000000Z"),
    "a header of AWS that is not covered": lambda one: with_headers(one, X__Amz__Target="a.SendEmail"),
    "a hash of another body": lambda one: with_headers(one, X__Amz__Content__Sha256="0" * 64),
    "no hash of the body": lambda one: with_headers(one, X__Amz__Content__Sha256="UNSIGNED-PAYLOAD"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_on_the_way_does_not_fit(change: Callable[[Signed], Signed]) -> None:
    """Nothing that the signature covers can change."""
    request = signed()
    with pytest.raises(NotSent) as refused:
        signing.check(shown(request), change(request), SECRET, "ses", moment(request))
    assert refused.value.reason is Reason.SIGNATURE_REFUSED


@pytest.mark.parametrize("covered", ["x-amz-date", "host", "content-type"])
def test_host_and_date_must_be_covered(covered: str) -> None:
    """A signature that leaves the host or the date open is refused even if it fits."""
    request = signed()
    named = tuple(name for name in shown(request).covered if name == covered)
    left = replace(shown(request), covered=named)
    digest = signing._digest(left, request, sha(BODY), request.headers["X-Amz-Date"], SECRET)
    with pytest.raises(NotSent, match="does not cover"):
        signing.check(replace(left, digest=digest), request, SECRET, "ses", moment(request))


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        pytest.param({"secret": "another"}, "does not fit", id="another secret"),
        pytest.param({"service": "sns"}, "another service", id="another service"),
        pytest.param({"after": 301}, "five minutes", id="too late"),
        pytest.param({"after": -301}, "five minutes", id="too early"),
    ],
)
def test_what_does_not_fit_is_refused(given_: dict[str, Any], says: str) -> None:
    """Another key, service or time is refused in words that hold no secret."""
    with pytest.raises(NotSent, match=says) as refused:
        check(signed(), **given_)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer token",
        shown(signed()).scope,
        signed().headers["Authorization"][:-1],
        signed().headers["Authorization"].replace("aws4_request", "aws5_request"),
        signed().headers["Authorization"].replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        f"{signed().headers['Authorization']}, x",
    ],
)
def test_what_is_no_signature_is_none(authorization: str) -> None:
    """Other schemes, other versions and torn headers are no signatures."""
    assert signing.signature(authorization) is None


@given(st.text())
def test_any_header_is_read_or_none(text: str) -> None:
    """Whatever stands in the header, reading it raises nothing."""
    signing.signature(text)
    signing.signature(f"AWS4-HMAC-SHA256 Credential={text}")


# ── signing ──


@given(st.binary(max_size=50), st.sampled_from([SEND, "/", "/a%40b?x=1&a=%2F", "/~a/b%20c/"]))
def test_what_the_gate_signs_fits(body: bytes, target: str) -> None:
    """What the gate signs is checked by its own check, the host of the upstream and the base path in it."""
    pairs = ((b"Content-Type", b"application/json"), (b"X-Amz-Meta", b"1"), (b"X-Amz-Meta", b"2"), (b"X-A", b"1"))
    made = signing.signer(KEY)("POST", f"http://upstream.test:81/base{target}", pairs, body)
    path, _, query = f"/base{target}".partition("?")
    told = [(name.decode(), value.decode()) for name, value in (*pairs, *made)]
    headers = CIMultiDictProxy(CIMultiDict([*told, ("Host", "upstream.test:81")]))
    check(Signed("POST", path, query, headers, body))


def test_signing_may_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the gate says so, and does not fail on import."""
    assert signing.available()
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert not signing.available()


# ── in a gate ──

ROUTE: dict[str, Any] = {
    "provider": "ses",
    "auth": {
        "kind": "aws",
        "access_key_id": "AKGATE",
        "secret_access_key": "gate-secret",
        "region": "eu-west-1",
        "session_token": "gate-token",
    },
}
GATES = Key("AKGATE", "gate-secret", "eu-west-1", "ses")
OWN = {"access_key_id": KEY.access_key_id, "secret_access_key": SECRET}
SENDER: dict[str, Any] = {"name": "shop", "key": "shop-key", "routes": ["ses"], "aws": OWN}


@pytest.fixture
async def gate(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate with a key of its own, and a sender with another."""
    upstream.answer = ACCEPTED
    old = {"access_key_id": "AKOLD", "secret_access_key": "old-secret"}
    senders = [
        {**SENDER, "aws": [old, OWN]},
        {"name": "news", "routes": ["mail"], "aws": {**old, "access_key_id": "AKNEWS"}},
    ]
    return await open_gate(routes={"ses": {**ROUTE, "upstream": f"{upstream.url}/base"}}, senders=senders)


async def ask(gate: RunningGate, request: Signed) -> Message:
    """Send a request as it is."""
    target = request.path + (f"?{request.query}" if request.query else "")
    body = request.body if request.method == "POST" else None
    return await gate.ask(written(request.method, target, request.headers.items(), body))


def heard(message: Message) -> Signed:
    """Give what the provider heard, as signed."""
    path, _, query = message.target.partition("?")
    told = CIMultiDict((name.decode(), value.decode()) for name, value in message.headers)
    return Signed(message.line.partition(" ")[0], path, query, CIMultiDictProxy(told), message.body)


@pytest.mark.parametrize("key", [KEY, replace(KEY, access_key_id="AKOLD", secret_access_key="old-secret")])
async def test_a_sender_is_known_by_its_signature(gate: RunningGate, upstream: Upstream, key: Key) -> None:
    """What a sender signs goes out signed by the gate, for the provider's host and path, with nothing of the old."""
    request = signed(
        key=replace(key, session_token="sender-token"), headers={**JSON, "X-Amz-Content-Sha256": sha(BODY)}
    )
    assert (await ask(gate, request)).status == 200
    (message,) = upstream.heard
    assert (message.target, message.body) == (f"/base{SEND}", BODY)
    assert shown(heard(message)).key_id == "AKGATE"
    check(heard(message), secret="gate-secret")
    assert message.get("X-Amz-Security-Token") == "gate-token"
    assert message.get("X-Amz-Content-Sha256") is None
    assert key.access_key_id not in str(message.headers)
    assert gate.metric("sendgate_sends_total", route="ses", outcome="forwarded") == 1


async def test_a_trimmed_send_is_signed_as_it_leaves(gate: RunningGate, upstream: Upstream) -> None:
    """The signature that leaves covers what is left of the send."""
    await gate.tell("Blacklisted", email="b@example.com")
    body = BODY.replace(b'"a@example.com"', b'"b@example.com","a@example.com"')
    assert (await ask(gate, signed(body=body))).get("X-Sendgate-Outcome") == "trimmed"
    check(heard(upstream.heard[0]), secret="gate-secret")
    assert upstream.heard[0].body == BODY


async def test_what_is_not_sent_is_signed_too(gate: RunningGate, upstream: Upstream) -> None:
    """A harmless request is checked and signed as a send is, with its query."""
    url = "http://gate.test/ses/v2/email/suppression/addresses?PageSize=2&NextToken=a%2Fb"
    assert (await ask(gate, signed(url, b"", method="GET"))).status == 200
    assert upstream.heard[0].target == "/base/v2/email/suppression/addresses?PageSize=2&NextToken=a%2Fb"
    check(heard(upstream.heard[0]), secret="gate-secret")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        pytest.param(
            lambda: replace(signed(), body=BODY.replace(b"a@", b"b@")),
            "SignatureDoesNotMatch",
            "signature_refused",
            id="another body",
        ),
        pytest.param(
            lambda: signed(key=replace(KEY, secret_access_key="guessed")),
            "SignatureDoesNotMatch",
            "signature_refused",
            id="another secret",
        ),
        pytest.param(
            lambda: signed(key=replace(KEY, access_key_id="AKOTHER")),
            "InvalidClientTokenId",
            "sender_refused",
            id="a key of nobody",
        ),
        pytest.param(
            lambda: signed(key=replace(KEY, access_key_id="AKNEWS", secret_access_key="old-secret")),
            "InvalidClientTokenId",
            "sender_refused",
            id="a sender of another route",
        ),
        pytest.param(
            lambda: with_headers(signed(), Authorization=None),
            "MissingAuthenticationToken",
            "sender_refused",
            id="no signature",
        ),
    ],
)
async def test_who_does_not_sign_is_refused(
    gate: RunningGate, upstream: Upstream, change: Callable[[], Signed], code: str, reason: str
) -> None:
    """A wrong signature, key or route is answered 403 in the provider's shape, recorded, and leads nowhere."""
    answer = await ask(gate, change())
    assert (answer.status, answer.get("x-amzn-ErrorType"), upstream.heard) == (403, code, [])
    assert answer.get("X-Sendgate-Reasons") == reason
    assert await gate.reasons() == [reason]
    assert SECRET not in answer.body.decode()


async def test_the_query_api_says_no_in_xml(gate: RunningGate, upstream: Upstream) -> None:
    """The same refusal in the shape of the older API."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = signed("http://gate.test/ses/", b"Action=GetSendQuota", form, replace(KEY, secret_access_key="guessed"))
    answer = await ask(gate, request)
    assert (answer.status, upstream.heard) == (403, [])
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer.body


async def test_a_key_of_the_gate_suffices(gate: RunningGate, upstream: Upstream) -> None:
    """A sender with X-Sendgate-Key need not sign, and whatever it signs is not looked at."""
    request = with_headers(signed(key=replace(KEY, secret_access_key="guessed")), X__Sendgate__Key="shop-key")
    assert (await ask(gate, request)).status == 200
    assert upstream.heard[0].get("X-Sendgate-Key") is None
    assert (await ask(gate, with_headers(request, X__Sendgate__Key="another"))).status == 403


async def test_the_sandbox_needs_no_signature(open_gate: OpenGate) -> None:
    """The built-in upstream takes sends of a route with a key, and nothing is signed for it."""
    gate = await open_gate(routes={"ses": {**ROUTE, "upstream": "sandbox"}}, senders=[SENDER])
    assert (await ask(gate, signed())).json["MessageId"]
