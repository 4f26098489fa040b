"""boto3 with nothing changed but `endpoint_url`, against a gate that holds the key of AWS: both APIs of SES."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.exceptions import ClientError
from multidict import CIMultiDict, CIMultiDictProxy

from proxy import signing
from tests.conftest import JSON, Message, OpenGate, RunningGate, Upstream, reply

A, B, C = "a@example.com", "b@example.com", "c@example.com"
SENDERS_KEY = {"access_key_id": "AKSHOP", "secret_access_key": "a-secret-of-the-shop"}
GATES_KEY = {"access_key_id": "AKGATE", "secret_access_key": "a-secret-of-the-gate"}
SIGNATURE = {"authorization", "x-amz-date", "host", "connection", "amz-sdk-invocation-id"}  # differ from call to call
SIMPLE = {"Simple": {"Subject": {"Data": "Grüße, 你好"}, "Body": {"Text": {"Data": "100 % & <a>\n\u2028"}}}}
OLD = {"Subject": {"Data": "Grüße; 你好"}, "Body": {"Text": {"Data": "100 % & <a>\n=+;"}}}
TEMPLATE = {"Template": {"TemplateName": "news", "TemplateData": "{}"}}

Call = Callable[[Any], Any]


def call(api: str, url: str, asked: Call) -> Any:
    """Ask an API through an address, as an application does."""
    client = boto3.client(
        api,
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id=SENDERS_KEY["access_key_id"],
        aws_secret_access_key=SENDERS_KEY["secret_access_key"],
    )
    try:
        return asked(client)
    finally:
        client.close()


async def through(gate: RunningGate, api: str, asked: Call) -> Any:
    """Ask an API through the gate."""
    return await asyncio.to_thread(call, api, f"{gate.url()}/ses", asked)


def mail(*to: str, **more: Any) -> Call:
    """Make a send of API v2."""
    fields = {"FromEmailAddress": "shop@example.com", "Content": SIMPLE, **more}
    return lambda client: client.send_email(Destination={"ToAddresses": list(to)}, **fields)


def bulk(*to: str) -> Call:
    """Make a bulk send of API v2, an entry for each address."""
    entries = [{"Destination": {"ToAddresses": [each]}} for each in to]
    return lambda client: client.send_bulk_email(
        FromEmailAddress="shop@example.com", DefaultContent=TEMPLATE, BulkEmailEntries=entries
    )


def raw(*to: str) -> bytes:
    """Write a message in MIME."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", ", ".join(to), "Grüße"
    message.set_content("Hello")
    return bytes(message)


def old_mail(*to: str) -> Call:
    """Make a send of the query API."""
    return lambda client: client.send_email(
        Source="shop@example.com", Destination={"ToAddresses": list(to), "CcAddresses": []}, Message=OLD
    )


def old_bulk(*to: str) -> Call:
    """Make a bulk send of the query API."""
    destinations = [{"Destination": {"ToAddresses": [each]}, "ReplacementTemplateData": "{}"} for each in to]
    return lambda client: client.send_bulk_templated_email(
        Source="shop@example.com", Template="news", DefaultTemplateData="{}", Destinations=destinations
    )


def ids(count: int) -> Iterator[str]:
    """Give ids of messages."""
    return (f"m-{number}" for number in range(1, count + 1))


def answered(message: Message) -> bytes:
    """Answer as SES does to what it got: an id for each message."""
    if message.target == "/v2/email/outbound-bulk-emails":
        results = [{"Status": "SUCCESS", "MessageId": each} for each in ids(len(message.json["BulkEmailEntries"]))]
        return reply(200, json.dumps({"BulkEmailEntryResults": results}).encode(), JSON)
    if message.target != "/":
        return reply(200, b'{"MessageId":"m-1"}', JSON)
    fields = parse_qs(message.body.decode())
    (action,) = fields["Action"]
    count = len({name.split(".")[2] for name in fields if name.startswith("Destinations.member.")})
    members = "".join(f"<member><Status>Success</Status><MessageId>{i}</MessageId></member>" for i in ids(count))
    result = f"<Status>{members}</Status>" if "Bulk" in action else "<MessageId>m-1</MessageId>"
    body = (
        f'<{action}Response xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"
    )
    return reply(200, body.encode(), ("Content-Type", "text/xml"))


@pytest.fixture
async def gate(open_gate: OpenGate, upstream: Upstream) -> RunningGate:
    """Give a gate that signs for AWS, and a sender that is known by what it signs."""

    async def answer(message: Message, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(message))
        await writer.drain()

    upstream.answer = answer
    route = {
        "provider": "ses",
        "upstream": upstream.url,
        "auth": {"kind": "aws", **GATES_KEY, "region": "eu-west-1"},
        "transactional": {"markers": {"ConfigurationSetName": ["transactional"]}},
    }
    sender = {"name": "shop", "routes": ["ses"], "aws": SENDERS_KEY}
    return await open_gate(routes={"ses": route}, senders=[sender])


def without_signature(message: Message) -> tuple[str, list[tuple[bytes, bytes]], bytes]:
    """Give all of a request but who signed it when."""
    headers = [pair for pair in message.headers if pair[0].decode().lower() not in SIGNATURE]
    return message.line, headers, message.body


def assert_signed(message: Message) -> None:
    """Make sure that the gate signed what the provider heard."""
    headers = CIMultiDictProxy(CIMultiDict((name.decode(), value.decode()) for name, value in message.headers))
    path, _, query = message.target.partition("?")
    shown = signing.signature(headers["Authorization"])
    assert shown is not None
    now = signing._seconds(headers["X-Amz-Date"])
    request = signing.Signed(message.line.split(" ")[0], path, query, headers, message.body)
    signing.check(shown, request, GATES_KEY["secret_access_key"], "ses", now)


CALLS: dict[str, tuple[str, Call]] = {
    "a send": ("sesv2", mail(A, f"Bob <{B}>", ConfigurationSetName="x")),
    "a bulk send": ("sesv2", bulk(*(f"{number}@example.com" for number in range(50)))),
    "a message in MIME": ("sesv2", lambda c: c.send_email(Content={"Raw": {"Data": raw(A, B)}})),
    "a template": ("sesv2", mail(A, Content=TEMPLATE)),
    "a read": ("sesv2", lambda c: c.list_suppressed_destinations(Reasons=["BOUNCE"], NextToken="a/b=")),
    "an old send": ("ses", old_mail(A, f"Bob <{B}>")),
    "an old bulk send": ("ses", old_bulk(A, B)),
    "an old message in MIME": ("ses", lambda c: c.send_raw_email(RawMessage={"Data": raw(A, B)}, Destinations=[])),
    "an old read": ("ses", lambda c: c.get_send_quota()),
}


@pytest.mark.parametrize(("api", "asked"), CALLS.values(), ids=CALLS)
async def test_what_passes_is_the_same_but_for_the_signature(
    gate: RunningGate, upstream: Upstream, api: str, asked: Call
) -> None:
    """The provider gets the same line, headers and body as without a gate, signed with the gate's key."""
    await asyncio.to_thread(call, api, upstream.url, asked)
    await through(gate, api, asked)
    directly, with_gate = upstream.heard
    assert without_signature(with_gate) == without_signature(directly)
    assert_signed(with_gate)


async def test_what_got_a_link_is_signed_with_it(open_gate: OpenGate, upstream: Upstream) -> None:
    """The gate signs what goes out, after a link was put in and somebody was taken out."""
    upstream.answer = reply(200, b'{"MessageId":"m-1"}', JSON)
    auth = {"kind": "aws", **GATES_KEY, "region": "eu-west-1"}
    route = {"provider": "ses", "upstream": upstream.url, "auth": auth, "links": {"headers": True}}
    sender = {"name": "shop", "routes": ["ses"], "aws": SENDERS_KEY}
    gate = await open_gate(
        public_url="https://gate.test", unsubscribe={"keys": ["k" * 32]}, routes={"ses": route}, senders=[sender]
    )
    await gate.tell("Blacklisted", email=B)
    await through(gate, "sesv2", mail(A))
    await through(gate, "sesv2", mail(A, B))
    for sent in upstream.heard:
        assert [each["Name"] for each in sent.json["Content"]["Simple"]["Headers"]] == [
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
        ]
        assert_signed(sent)


@pytest.mark.parametrize(("api", "asked"), [("sesv2", mail(B)), ("ses", old_mail(B))], ids=["v2", "query"])
async def test_a_refusal_is_the_sdks_own_error(gate: RunningGate, upstream: Upstream, api: str, asked: Call) -> None:
    """boto3 raises MessageRejected, with the reason in its message; the provider hears nothing."""
    await gate.tell("Blacklisted", email=B)
    with pytest.raises(ClientError) as raised:
        await through(gate, api, asked)
    assert type(raised.value).__name__ == "MessageRejected"
    assert raised.value.response["Error"]["Code"] == "MessageRejected"
    assert "blacklisted" in raised.value.response["Error"]["Message"]
    assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-sendgate-reasons"] == "blacklisted"
    assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert upstream.heard == []


async def test_a_mixed_send_goes_out_without_the_refused(gate: RunningGate, upstream: Upstream) -> None:
    """The SDK hears success, and the provider gets the same message for the others, in each form."""
    await gate.tell("Blacklisted", email=B)
    assert (await through(gate, "sesv2", mail(A, B, C)))["MessageId"] == "m-1"
    assert (await through(gate, "ses", old_mail(A, B, C)))["MessageId"] == "m-1"
    parts = await through(gate, "sesv2", lambda c: c.send_email(Content={"Raw": {"Data": raw(A, B, C)}}))
    assert parts["ResponseMetadata"]["HTTPHeaders"]["x-sendgate-outcome"] == "trimmed"
    sent, old, mime = upstream.heard
    assert (sent.json["Destination"], sent.json["Content"]) == ({"ToAddresses": [A, C]}, SIMPLE)
    fields = parse_qs(old.body.decode(), keep_blank_values=True)
    assert fields["Destination.ToAddresses.member.2"] == [C]
    assert (fields["Message.Subject.Data"], fields["Message.Body.Text.Data"]) == (["Grüße; 你好"], ["100 % & <a>\n=+;"])
    assert raw(A, C) == base64.b64decode(mime.json["Content"]["Raw"]["Data"])
    for message in upstream.heard:
        assert_signed(message)


async def test_answers_of_a_batch_are_zipped_back(gate: RunningGate, upstream: Upstream) -> None:
    """Each result stands at the position of the entry that it is about, the refused one as a rejection."""
    await gate.tell("Blacklisted", email=B)
    answer = await through(gate, "sesv2", bulk(A, B, C))
    told = [(each["Status"], each.get("MessageId")) for each in answer["BulkEmailEntryResults"]]
    assert told == [("SUCCESS", "m-1"), ("MESSAGE_REJECTED", None), ("SUCCESS", "m-2")]
    assert "blacklisted" in answer["BulkEmailEntryResults"][1]["Error"]
    old = await through(gate, "ses", old_bulk(B, A, C))
    told = [(each["Status"], each.get("MessageId")) for each in old["Status"]]
    assert told == [("MessageRejected", None), ("Success", "m-1"), ("Success", "m-2")]
    assert len(upstream.heard) == 2


@pytest.mark.parametrize(
    ("api", "asked", "list_"),
    [("sesv2", bulk(B, B), "BulkEmailEntryResults"), ("ses", old_bulk(B, B), "Status")],
    ids=["v2", "query"],
)
async def test_a_batch_for_nobody_is_answered_entry_by_entry(
    gate: RunningGate, upstream: Upstream, api: str, asked: Call, list_: str
) -> None:
    """Where every entry is refused the SDK gets its rejections as results, and the provider hears nothing."""
    await gate.tell("Blacklisted", email=B)
    answer = await through(gate, api, asked)
    assert {each["Status"] for each in answer[list_]} <= {"MESSAGE_REJECTED", "MessageRejected"}
    assert len(answer[list_]) == 2
    assert upstream.heard == []


async def test_a_receipt_reaches_who_opted_out_and_not_who_is_blacklisted(
    gate: RunningGate, upstream: Upstream
) -> None:
    """An opt-out yields to the configured marker of a transactional message, a blacklisting to nothing."""
    await gate.tell("Opt Out", email=A)
    await gate.tell("Blacklisted", email=B)
    with pytest.raises(ClientError, match="opted_out"):
        await through(gate, "sesv2", mail(A))
    await through(gate, "sesv2", mail(A, B, ConfigurationSetName="transactional"))
    assert upstream.heard[0].json["Destination"] == {"ToAddresses": [A]}


@pytest.mark.parametrize("api", ["sesv2", "ses"])
async def test_a_native_refusal_looks_like_success(open_gate: OpenGate, upstream: Upstream, api: str) -> None:
    """With refusal: native the SDK gets ids, as from SES itself for a suppressed recipient, and nothing goes out."""
    route = {"provider": "ses", "upstream": "sandbox", "refusal": "native"}
    gate = await open_gate(routes={"ses": route})
    await gate.tell("Blacklisted", email=B)
    one, many = (mail(B), bulk(B, B)) if api == "sesv2" else (old_mail(B), old_bulk(B, B))
    assert (await through(gate, api, one))["MessageId"]
    results = await through(gate, api, many)
    listed = results.get("BulkEmailEntryResults") or results["Status"]
    assert len({each["MessageId"] for each in listed}) == 2
    assert await gate.reasons() == ["blacklisted"] * 3
    assert upstream.heard == []


async def test_another_key_is_refused_as_aws_does(gate: RunningGate, upstream: Upstream) -> None:
    """A sender with a key of nobody, or with a wrong secret, gets the errors that its SDK knows from AWS."""
    wrong = {"aws_access_key_id": SENDERS_KEY["access_key_id"], "aws_secret_access_key": "guessed"}
    for keys, code in (
        (wrong, "SignatureDoesNotMatch"),
        ({**wrong, "aws_access_key_id": "AKOTHER"}, "InvalidClientTokenId"),
    ):
        client = boto3.client("sesv2", region_name="eu-west-1", endpoint_url=f"{gate.url()}/ses", **keys)
        with pytest.raises(ClientError) as raised:
            await asyncio.to_thread(mail(A), client)
        client.close()
        assert raised.value.response["Error"]["Code"] == code
    assert upstream.heard == []
