"""Unsubscribe links in what the providers' own SDKs send: who presses one is left alone, and nobody else is."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import boto3
import httpx
import mailchimp_transactional
import mailjet_rest
import pytest
import resend
import trustme
from botocore.exceptions import ClientError
from brevo import Brevo
from brevo.errors import BadRequestError
from brevo.transactional_emails import (
    SendTransacEmailRequestMessageVersionsItem,
    SendTransacEmailRequestMessageVersionsItemToItem,
    SendTransacEmailRequestSender,
    SendTransacEmailRequestToItem,
)
from mailgun.client import Client as Mailgun
from mailgun.config import RetryPolicy
from postmark import ServerClient
from postmark.exceptions import InactiveRecipientException
from python_http_client.exceptions import BadRequestsError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail, To
from sparkpost import SparkPost
from sparkpost.exceptions import SparkPostAPIException

from policy.model import Channel
from proxy.links import Link, Links
from tests.conftest import FORM, OpenGate, RunningGate

KEY = "k" * 32
LINKS = Links([KEY])
PUBLIC = "https://gate.test"
ADA, BOB = "ada@example.com", "bob@example.com"
SHOP = "shop@example.com"
PLACEHOLDER, VARIABLE = "{{unsubscribe}}", "unsubscribe_url"
ONE_CLICK = "List-Unsubscribe=One-Click"
REFUSED = (
    *(BadRequestsError, BadRequestError, InactiveRecipientException, SparkPostAPIException, ClientError),
    *(mailjet_rest.errors.ValidationError, resend.exceptions.ValidationError),
)
PROVIDERS = ("brevo", "mailgun", "mailjet", "mandrill", "postmark", "resend", "sendgrid", "ses", "sparkpost")
UNFILLED = {"mailgun", "resend"}  # templates of which no data gets the link
BY_ACCOUNT = {"brevo", "mailjet"}  # write headers of their own unless the account says otherwise


# ── one send to each of some people, in one request, by each SDK ──


def sendgrid(url: str, *to: str) -> None:
    mail = Mail(SHOP, [To(each) for each in to], "Hi", "Hello", is_multiple=True)
    SendGridAPIClient("SG.key", host=url).send(mail)


def postmark(url: str, *to: str) -> None:
    async def send() -> None:
        mails = [{"sender": SHOP, "to": each, "subject": "Hi", "text_body": "Hello"} for each in to]
        async with ServerClient("token", retries=0, base_url=url) as client:
            await (client.outbound.send_batch(mails) if len(mails) > 1 else client.outbound.send(mails[0]))

    asyncio.run(send())


def mailgun(url: str, *to: str) -> None:
    data: dict[str, Any] = {"from": SHOP, "to": list(to), "subject": "Hi", "text": "Hello"}
    if len(to) > 1:
        data["recipient-variables"] = json.dumps({each: {} for each in to})
    with Mailgun(auth=("api", "key"), api_url=url, retry_policy=RetryPolicy(max_retries=0)) as client:
        client.messages.create(domain="example.com", data=data)


def brevo(url: str, *to: str) -> None:
    sender = SendTransacEmailRequestSender(email=SHOP)
    people: dict[str, Any] = {"to": [SendTransacEmailRequestToItem(email=each) for each in to]}
    if len(to) > 1:
        item, person = SendTransacEmailRequestMessageVersionsItem, SendTransacEmailRequestMessageVersionsItemToItem
        people = {"message_versions": [item(to=[person(email=each)]) for each in to]}
    with httpx.Client() as http:
        client = Brevo(api_key="key", base_url=f"{url}/v3", max_retries=0, httpx_client=http)
        mails = client.transactional_emails
        mails.send_transac_email(sender=sender, subject="Hi", text_content="Hello", **people)


def mailjet(url: str, *to: str) -> None:
    text = {"From": {"Email": SHOP}, "Subject": "Hi", "TextPart": "Hello"}
    with mailjet_rest.Client(auth=("public", "private"), api_url=f"{url}/", version="v3.1") as client:
        client.send.create(data={"Messages": [{**text, "To": [{"Email": each}]} for each in to]})


def mandrill(url: str, *to: str) -> None:
    client = mailchimp_transactional.Client("md-key")
    client.api_client.host = f"{url}/api/1.3"
    people = [{"email": each, "type": "to"} for each in to]
    client.messages.send({"message": {"from_email": SHOP, "subject": "Hi", "text": "Hello", "to": people}})


def resends(url: str, *to: str) -> None:
    resend.api_url, resend.api_key = url, "re_key"
    mails: list[Any] = [{"from": SHOP, "to": each, "subject": "Hi", "text": "Hello"} for each in to]
    if len(mails) > 1:
        resend.Batch.send(mails)
    else:
        resend.Emails.send(mails[0])


def sparkpost(url: str, *to: str) -> None:
    client = SparkPost("key", url.removeprefix("https://"))
    try:
        text = {"from_email": SHOP, "subject": "Hi", "text": "Hello"}
        client.transmissions.send(recipients=list(to), transactional=True, **text)
    except SparkPostAPIException as error:
        error.response.raw = None  # urllib3 closes its connections when nobody refers to their pool any more
        raise
    finally:
        client.transmissions.transport.sess.close()


def _sesv2(url: str) -> Any:
    keys = {"aws_access_key_id": "AK", "aws_secret_access_key": "secret"}
    return boto3.client("sesv2", region_name="eu-west-1", endpoint_url=url, **keys)


def ses(url: str, *to: str) -> None:
    client = _sesv2(url)
    content: dict[str, Any] = {"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}}}}
    template: dict[str, Any] = {"Template": {"TemplateName": "news", "TemplateData": "{}"}}
    entries: list[Any] = [{"Destination": {"ToAddresses": [each]}} for each in to]
    with contextlib.closing(client):
        if len(entries) > 1:
            client.send_bulk_email(FromEmailAddress=SHOP, DefaultContent=template, BulkEmailEntries=entries)
        else:
            client.send_email(FromEmailAddress=SHOP, Destination=entries[0]["Destination"], Content=content)


def ses_raw(url: str, *to: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SHOP, ", ".join(to), "Grüße"
    mail.set_content("Hello")
    with contextlib.closing(_sesv2(url)) as client:
        client.send_email(Destination={"ToAddresses": list(to)}, Content={"Raw": {"Data": mail.as_bytes()}})


def texts(to: str) -> EmailMessage:
    """Write a mail as an application does: a text in quoted-printable, HTML in base64 and a file."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SHOP, to, "Grüße"
    mail.set_content(f"Schöne Grüße!\n\nAbmelden: {PLACEHOLDER}\n", cte="quoted-printable")
    mail.add_alternative(f'<p>Schöne Grüße!<p><a href="{PLACEHOLDER}">Abmelden</a>', subtype="html", cte="base64")
    mail.add_attachment(PLACEHOLDER, filename="how-to.txt")
    return mail


def ses_texts(url: str, to: str) -> None:
    with contextlib.closing(_sesv2(url)) as client:
        client.send_email(Content={"Raw": {"Data": bytes(texts(to))}})


def ses_old_texts(url: str, to: str) -> None:
    keys = {"aws_access_key_id": "AK", "aws_secret_access_key": "secret"}
    with contextlib.closing(boto3.client("ses", region_name="eu-west-1", endpoint_url=url, **keys)) as client:
        client.send_raw_email(RawMessage={"Data": bytes(texts(to))})


def mailgun_texts(url: str, to: str) -> None:
    files = {"message": texts(to).as_bytes(policy=SMTP)}
    with Mailgun(auth=("api", "key"), api_url=url, retry_policy=RetryPolicy(max_retries=0)) as client:
        client.mimemessage.create(domain="example.com", data={"to": to}, files=files)


def mandrill_texts(url: str, to: str) -> None:
    client = mailchimp_transactional.Client("md-key")
    client.api_client.host = f"{url}/api/1.3"
    client.messages.send_raw({"raw_message": texts(to).as_string(), "to": [to]})


def sendgrid_template(url: str, to: str) -> None:
    mail = Mail(SHOP, to, "Hi")
    mail.template_id = "d-1"
    SendGridAPIClient("SG.key", host=url).send(mail)


def postmark_template(url: str, to: str) -> None:
    async def send() -> None:
        async with ServerClient("token", retries=0, base_url=url) as client:
            model = {"name": "Ada"}
            await client.outbound.send_with_template(
                {"sender": SHOP, "to": to, "template_alias": "news", "template_model": model}
            )

    asyncio.run(send())


def ses_template(url: str, to: str) -> None:
    content: Any = {"Template": {"TemplateName": "news", "TemplateData": '{"name": "Ada"}'}}
    with contextlib.closing(_sesv2(url)) as client:
        client.send_email(FromEmailAddress=SHOP, Destination={"ToAddresses": [to]}, Content=content)


Send = Callable[..., None]
SENDS: dict[str, Send] = {
    "brevo": brevo,
    "mailgun": mailgun,
    "mailjet": mailjet,
    "mandrill": mandrill,
    "postmark": postmark,
    "resend": resends,
    "sendgrid": sendgrid,
    "ses": ses,
    "sparkpost": sparkpost,
}


# ── the gate ──


@pytest.fixture
async def gate(open_gate: OpenGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGate]:
    """Give a gate with a sandbox route to each provider; one SDK insists on TLS."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    certificate = ca.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    tls = {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    routes: dict[str, Any] = {
        name: {
            "provider": name,
            "upstream": "sandbox",
            "links": {
                "headers": True,
                "placeholder": PLACEHOLDER,
                "variable": VARIABLE if name not in UNFILLED else "",
                "instead_of_provider": name in BY_ACCOUNT,
            },
        }
        for name in PROVIDERS
    }
    routes["sparkpost"]["listen"] = {"address": "127.0.0.1:0", "tls": tls}
    before = resend.api_url, resend.api_key
    yield await open_gate(public_url=PUBLIC, unsubscribe={"keys": [KEY]}, routes=routes)
    resend.api_url, resend.api_key = before


async def sends(gate: RunningGate, name: str, *to: str, by: Send | None = None) -> bool:
    """Send by the SDK of a provider, and tell whether the provider got it."""
    host, port = gate.addresses.get(f"routes.{name}", ("", 0))
    url = f"https://{host}:{port}" if host else f"{gate.url()}/{name}"
    before = len(await got(gate))
    with contextlib.suppress(*REFUSED):
        await asyncio.to_thread(by or SENDS[name], url, *to)
    return len(await got(gate)) > before


async def got(gate: RunningGate) -> list[str]:
    """Give what the providers got, newest first."""
    answer = await gate.api("GET", "/sandbox/messages")
    return [str(item["body"]) for item in answer.json["items"]]


def links(text: str) -> set[str]:
    """Give the links in a body, of whichever format."""
    return set(re.findall(rf"{PUBLIC}/u/[\w-]+", unquote_plus(text)))


def link(address: str) -> str:
    """Give the link of an address."""
    return f"{PUBLIC}/u/{LINKS.make(Link(address, Channel.MAIL))}"


Pressed = Callable[[RunningGate, str], Awaitable[None]]


async def press(gate: RunningGate, url: str) -> None:
    """Press the mailbox provider's button."""
    answer = await gate.post(url.removeprefix(PUBLIC), ONE_CLICK.encode(), FORM, door="public")
    assert answer.status == 200


# ── the tests ──


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_link_in_a_mail_stops_its_recipient_alone(gate: RunningGate, name: str) -> None:
    """Both headers reach the provider; after the click the SDK's next mail to that person is refused, others go out."""
    assert await sends(gate, name, ADA)
    body = unquote_plus((await got(gate))[0])
    assert '"List-Unsubscribe"' in body or "h:List-Unsubscribe=" in body
    assert ONE_CLICK in body
    assert links(body) == {link(ADA)}
    await press(gate, links(body).pop())
    assert not await sends(gate, name, ADA)
    assert await sends(gate, name, BOB)
    assert await gate.reasons() == ["opted_out_channel"]


@pytest.mark.parametrize("name", PROVIDERS)
async def test_each_of_two_has_a_link_or_nobody(gate: RunningGate, name: str) -> None:
    """Of two people in one request each has their own link, or, where all headers are those of all, nobody has."""
    assert await sends(gate, name, ADA, BOB)
    assert links((await got(gate))[0]) == (set() if name == "mandrill" else {link(ADA), link(BOB)})
    counted = gate.metric("sendgate_links_total", route=name, result="inserted")
    assert counted == (0 if name == "mandrill" else 2)


async def test_a_raw_message_has_a_link(gate: RunningGate) -> None:
    """The headers stand in the message itself, behind its own."""
    assert await sends(gate, "ses", ADA, by=ses_raw)
    raw = base64.b64decode(json.loads((await got(gate))[0])["Content"]["Raw"]["Data"]).decode()
    head, _, text = raw.partition("\n\n")
    assert head.endswith(f"\nList-Unsubscribe: <{link(ADA)}>\nList-Unsubscribe-Post: {ONE_CLICK}")
    assert text == "Hello\n"


def raw_message(name: str, body: str) -> bytes:
    """Give the raw message in what a provider got."""
    if name == "mailgun":
        boundary = body.partition("\r\n")[0]
        return body.partition('name="message"')[2].partition("\r\n\r\n")[2].partition(f"\r\n{boundary}")[0].encode()
    if body.startswith("{"):
        tree = json.loads(body)
        return (
            str(tree["raw_message"]).encode()
            if name == "mandrill"
            else base64.b64decode(tree["Content"]["Raw"]["Data"])
        )
    return base64.b64decode(dict(parse_qsl(body))["RawMessage.Data"])


@pytest.mark.parametrize(
    ("name", "by"),
    [
        pytest.param("ses", ses_texts, id="ses"),
        pytest.param("ses", ses_old_texts, id="ses, the query API"),
        pytest.param("mailgun", mailgun_texts, id="mailgun"),
        pytest.param("mandrill", mandrill_texts, id="mandrill"),
    ],
)
async def test_a_link_in_the_texts_of_a_raw_message_stops_its_recipient_alone(
    gate: RunningGate, name: str, by: Send
) -> None:
    """Text and HTML have the link, the file has not; who presses it gets no more of these messages, others do."""
    assert await sends(gate, name, ADA, by=by)
    mail = message_from_bytes(raw_message(name, (await got(gate))[0]), policy=default)
    text, markup, file = (part.get_content().replace("\r\n", "\n") for part in mail.walk() if not part.is_multipart())
    assert text == f"Schöne Grüße!\n\nAbmelden: {link(ADA)}\n"
    assert markup == f'<p>Schöne Grüße!<p><a href="{link(ADA)}">Abmelden</a>\n'
    assert file == f"{PLACEHOLDER}\n"
    assert gate.metric("sendgate_links_total", route=name, result="placeholder_replaced") == 1
    await press(gate, links(text).pop())
    assert not await sends(gate, name, ADA, by=by)
    assert await sends(gate, name, BOB, by=by)
    assert await gate.reasons() == ["opted_out_channel"]


@pytest.mark.parametrize(
    ("name", "by"),
    [
        pytest.param("postmark", postmark_template, id="postmark"),
        pytest.param("sendgrid", sendgrid_template, id="sendgrid"),
        pytest.param("ses", ses_template, id="ses"),
    ],
)
async def test_a_link_in_a_stored_template_stops_its_recipient_alone(gate: RunningGate, name: str, by: Send) -> None:
    """The template's data has the link; who presses it gets no more of these mails, others do."""
    assert await sends(gate, name, ADA, by=by)
    body = (await got(gate))[0].replace('\\"', '"')
    assert f'"{VARIABLE}":"{link(ADA)}"' in body
    assert gate.metric("sendgate_links_total", route=name, result="variable_filled") == 1
    await press(gate, link(ADA))
    assert not await sends(gate, name, ADA, by=by)
    assert await sends(gate, name, BOB, by=by)
