"""Twilio's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.providers import twilio
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = twilio
FORMAT = "form"
REPEATABLE = frozenset({"MediaUrl", "PersistentAction"})
SECRETS = ("dG9wLXNlY3JldA==",)
HEADERS = CIMultiDictProxy(
    CIMultiDict({"Authorization": "Basic dG9wLXNlY3JldA==", "Content-Type": "application/x-www-form-urlencoded"})
)

ACCOUNT = f"/2010-04-01/Accounts/AC{'0' * 32}"
MESSAGE = f"{ACCOUNT}/Messages/SM{'1' * 32}"
JSON, XML = f"{ACCOUNT}/Messages.json", f"{ACCOUNT}/Messages.xml"
BARE = f"{ACCOUNT}/Messages"

SMS, WHATSAPP = Channel.SMS, Channel.INSTANT_MESSAGING
BERLIN, NEW_YORK = "+493012345678", "+12125550123"


def post(body: bytes, path: str = JSON, query: str = "") -> Request:
    """Give a send with this body."""
    return Request("POST", path, query, HEADERS, body)


def send(recipient: str, path: str = JSON, **more: str) -> Request:
    """Give a send to somebody, with further fields."""
    fields = {"To": recipient, "From": NEW_YORK, "Body": "Grüße & more; much+more", **more}
    return post(urlencode(fields).encode(), path)


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    fields = [(name, address if name == place else value) for name, value in parse_qsl(request.body.decode())]
    return replace(request, body=urlencode(fields).encode())


def one(key: str | None, channel: Channel = SMS, scheduled_at: float | None = None) -> list[tuple[Any, ...]]:
    """Give the only recipient that a send can have."""
    return [("To", channel, key, scheduled_at)]


FROM_NEW_YORK = {"From": (NEW_YORK,)}

SENDS: dict[str, dict[str, Any]] = {
    "an SMS": {"request": send(BERLIN), "recipients": one(BERLIN), "markers": FROM_NEW_YORK},
    "for an answer in XML": {"request": send(BERLIN, XML), "recipients": one(BERLIN), "markers": FROM_NEW_YORK},
    "without an extension": {"request": send(BERLIN, BARE), "recipients": one(BERLIN), "markers": FROM_NEW_YORK},
    "a trailing slash": {"request": send(BERLIN, f"{JSON}/"), "recipients": one(BERLIN), "markers": FROM_NEW_YORK},
    "WhatsApp": {
        "request": send(f"whatsapp:{BERLIN}", From=f"whatsapp:{NEW_YORK}"),
        "recipients": one(BERLIN, WHATSAPP),
        "markers": {"From": (f"whatsapp:{NEW_YORK}",)},
    },
    "WhatsApp in another case": {
        "request": send(f" WhatsApp: {BERLIN}"),
        "recipients": one(BERLIN, WHATSAPP),
        "markers": FROM_NEW_YORK,
    },
    "RCS": {"request": send(f"rcs:{BERLIN}"), "recipients": one(BERLIN), "markers": FROM_NEW_YORK},
    "Messenger": {
        "request": send("messenger:4930123456"),
        "recipients": one(None, WHATSAPP),
        "markers": FROM_NEW_YORK,
    },
    "an unknown channel": {
        "request": send(f"pigeon:{BERLIN}"),
        "recipients": one(None, WHATSAPP),
        "markers": FROM_NEW_YORK,
    },
    "a channel in a channel": {
        "request": send(f"whatsapp:whatsapp:{BERLIN}"),
        "recipients": one(None, WHATSAPP),
        "markers": FROM_NEW_YORK,
    },
    "a list": {"request": send(f"{BERLIN},{NEW_YORK}"), "recipients": one(None), "markers": FROM_NEW_YORK},
    "a name": {"request": send("Ada"), "recipients": one(None), "markers": FROM_NEW_YORK},
    "national form, by the sender's country": {
        "request": send("(212) 555-0199"),
        "recipients": one("+12125550199"),
        "markers": FROM_NEW_YORK,
    },
    "national form, by the route's region": {
        "request": send("030 12345678"),
        "region": "DE",
        "recipients": one(BERLIN),
        "markers": FROM_NEW_YORK,
    },
    "national form, by the code of a sender in no numbering plan": {
        "request": send("(212) 555-0199", From="+15551234567"),
        "recipients": one("+12125550199"),
        "markers": {"From": ("+15551234567",)},
    },
    "national form in Arabic digits": {
        "request": send("\u0662\u0661\u0662\u0665\u0665\u0665\u0660\u0661\u0669\u0669"),
        "recipients": one("+12125550199"),
        "markers": FROM_NEW_YORK,
    },
    "national form, from nobody knows where": {
        "request": send("2125550199", From="SHOP"),
        "recipients": one(None),
        "markers": {"From": ("SHOP",)},
    },
    "national form, from a number of no country": {
        "request": send("2125550199", From="+88213123456"),
        "recipients": one(None),
        "markers": {"From": ("+88213123456",)},
    },
    "00 for a plus, from nobody knows where": {
        "request": send(f"00{BERLIN[1:]}", From="SHOP"),
        "recipients": one(BERLIN),
        "markers": {"From": ("SHOP",)},
    },
    "a plus that became a blank": {
        "request": post(f"To={BERLIN}&From=%2B{NEW_YORK[1:]}&Body=x".encode()),
        "recipients": one(BERLIN),
        "markers": FROM_NEW_YORK,
    },
    "a plus that became a blank, from nobody knows where": {
        "request": post(f"To={BERLIN}&Body=x".encode()),
        "recipients": one(None),
    },
    "by a service, scheduled, with tags": {
        "request": post(
            urlencode(
                {
                    "To": BERLIN,
                    "MessagingServiceSid": "MG1",
                    "ContentSid": "HX1",
                    "ScheduleType": "fixed",
                    "SendAt": "2030-03-17T18:46:40+01:00",
                    "Tags": '{"campaign_name": "spring", "kind": "receipt", "count": 1}',
                }
            ).encode()
        ),
        "recipients": one(BERLIN, SMS, 1900000000),
        "markers": {
            "MessagingServiceSid": ("MG1",),
            "ContentSid": ("HX1",),
            "Tags.campaign_name": ("spring",),
            "Tags.kind": ("receipt",),
        },
        "campaign": "spring",
    },
    "several pictures": {
        "request": post(f"To=%2B{BERLIN[1:]}&MediaUrl=https%3A%2F%2Fx.io%2F1&MediaUrl=https%3A%2F%2Fx.io%2F2".encode()),
        "recipients": one(BERLIN),
    },
}

HARMLESS: dict[str, Request] = {
    "to cancel or redact": Request("POST", f"{MESSAGE}.json"),
    "to cancel, without an extension": Request("POST", MESSAGE),
    "feedback": Request("POST", f"{MESSAGE}/Feedback.json"),
    "to delete a message": Request("DELETE", f"{MESSAGE}.json"),
    "to delete a picture": Request("DELETE", f"{MESSAGE}/Media/ME{'2' * 32}.json"),
    "to list messages": Request("GET", JSON, f"To=%2B{BERLIN[1:]}"),
    "to look": Request("HEAD", JSON),
}

GUARDED: dict[str, Request] = {
    "the account, with its token": Request("GET", f"{ACCOUNT}.json"),
    "the account, with its token, in XML": Request("GET", ACCOUNT),
    "all accounts, with their tokens": Request("GET", "/2010-04-01/Accounts.json"),
    "a change of the account": Request("POST", f"{ACCOUNT}.json"),
    "another account": Request("POST", "/2010-04-01/Accounts.json"),
    "the numbers, with their webhooks": Request("GET", f"{ACCOUNT}/IncomingPhoneNumbers.json"),
    "a number's webhook": Request("POST", f"{ACCOUNT}/IncomingPhoneNumbers/PN1.json"),
    "a number that is given up": Request("DELETE", f"{ACCOUNT}/IncomingPhoneNumbers/PN1.json"),
    "an application's webhook": Request("POST", f"{ACCOUNT}/Applications/AP1.json"),
    "a key": Request("POST", f"{ACCOUNT}/Keys.json"),
    "a key that is gone": Request("DELETE", f"{ACCOUNT}/SigningKeys/SK1.json"),
    "a token": Request("POST", f"{ACCOUNT}/Tokens.json"),
    "what SIP lets in": Request("GET", f"{ACCOUNT}/SIP/CredentialLists.json"),
    "a webhook at a threshold": Request("GET", f"{ACCOUNT}/Usage/Triggers.json"),
    "the webhooks of a messaging service": Request("GET", "/v1/Services/MG1"),
    "a webhook of a messaging service": Request("POST", "/v1/Services/MG1"),
}

UNKNOWN: dict[str, Request] = {
    "the account by a detour": Request("GET", f"{ACCOUNT}/Messages/../../AC.json"),
    "a send by PUT": Request("PUT", JSON),
    "the resource before Messages": Request("POST", f"{ACCOUNT}/SMS/Messages.json"),
    "the API before 2010": Request("POST", f"/2008-08-01/Accounts/AC{'0' * 32}/SMS/Messages"),
    "a call": Request("POST", f"{ACCOUNT}/Calls.json"),
    "a message into a call": Request("POST", f"{ACCOUNT}/Calls/CA1/UserDefinedMessages.json"),
    "an unknown format": Request("POST", f"{ACCOUNT}/Messages.csv"),
    "another case": Request("POST", f"{ACCOUNT}/messages.json"),
    "a message that is none": Request("POST", f"{ACCOUNT}/Messages/Bulk.json"),
    "a verification": Request("POST", "/v2/Services/VA1/Verifications"),
    "a notification": Request("POST", "/v1/Services/IS1/Notifications"),
    "a bulk message": Request("POST", "/v1/Messages"),
    "a conversation": Request("POST", "/v1/Conversations/CH1/Messages"),
    "an execution of a flow": Request("POST", "/v2/Flows/FW1/Executions"),
    "a sending number": Request("POST", f"{ACCOUNT}/IncomingPhoneNumbers.json"),
}

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "To", Reason.NO_RECIPIENT),
    "no recipient": (post(b"Body=x"), "To", Reason.NO_RECIPIENT),
    "an empty recipient": (post(b"To=+&Body=x"), "To", Reason.NO_RECIPIENT),
    "two recipients": (post(b"To=%2B4930123456&To=%2B4930123457"), "", Reason.UNREADABLE),
    "to": (post(b"to=%2B4930123456"), "", Reason.UNREADABLE),
    "To[]": (post(b"To%5B%5D=%2B4930123456"), "", Reason.UNREADABLE),
    "To[1] beside To": (post(b"To=%2B4930123456&To[1]=%2B4930123457"), "", Reason.UNREADABLE),
    "To in the query": (post(b"To=%2B4930123456", query="To=%2B4930123457"), "", Reason.UNREADABLE),
    "to in the query": (post(b"To=%2B4930123456", query="x=1&%74o=1"), "", Reason.UNREADABLE),
    "To_": (post(b"To=%2B4930123456&To_=%2B4930123457"), "", Reason.UNREADABLE),
    "To behind marks": (post(b"To=%2B4930123456&%26.To=%2B4930123457"), "", Reason.UNREADABLE),
    "To behind a BOM": (post(b"To=%2B4930123456&%EF%BB%BFTo=%2B4930123457"), "", Reason.UNREADABLE),
    "To in full width": (post(b"To=%2B4930123456&%EF%BC%B4%EF%BD%8F=%2B4930123457"), "", Reason.UNREADABLE),
    "To with a zero-width space": (post(b"To=%2B4930123456&T%E2%80%8Bo=%2B4930123457"), "", Reason.UNREADABLE),
    "send_at": (post(b"To=%2B4930123456&send_at=2030-03-17T18:46:40Z"), "", Reason.UNREADABLE),
    "To behind a semicolon": (post(b"To=%2B4930123456&Body=x;To=%2B4930123457"), "", Reason.UNREADABLE),
    "to behind a semicolon": (post(b"To=%2B4930123456;t%6f=%2B4930123457"), "", Reason.UNREADABLE),
    "To behind a semicolon in a name": (post(b"To=%2B4930123456&x;To=%2B4930123457"), "", Reason.UNREADABLE),
    "To behind a semicolon in the query": (post(b"To=%2B4930123456", query="a=1;To=2"), "", Reason.UNREADABLE),
    "a query that is no form": (post(b"To=%2B4930123456", query="a=%"), "", Reason.UNREADABLE),
    "a query beyond ASCII": (post(b"To=%2B4930123456", query="a=\udce4"), "", Reason.UNREADABLE),
    "no time": (send(BERLIN, SendAt="tomorrow"), "SendAt", Reason.UNREADABLE),
    "an empty time": (send(BERLIN, SendAt=""), "SendAt", Reason.UNREADABLE),
    "a time without a zone": (send(BERLIN, SendAt="2030-03-17T18:46:40"), "SendAt", Reason.UNREADABLE),
    "a day": (send(BERLIN, SendAt="2030-03-17"), "SendAt", Reason.UNREADABLE),
    "tags that are no JSON": (send(BERLIN, Tags="kind"), "Tags", Reason.UNREADABLE),
    "tags with twins": (send(BERLIN, Tags='{"kind":"a","Kind":"b"}'), "Tags", Reason.UNREADABLE),
    "tags as list": (send(BERLIN, Tags="[]"), "Tags", Reason.UNREADABLE),
    "JSON": (post(b'{"To":"+4930123456"}'), "", Reason.UNREADABLE),
}

REFUSALS: dict[str, dict[str, Any]] = {
    "somebody who said no": {
        "request": send(BERLIN),
        "refusal": Refusal(Reason.OPTED_OUT, "no", None, ("To",)),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"code":21610,"message":"Attempt to send to unsubscribed recipient: no",'
        b'"more_info":"https://www.twilio.com/docs/errors/21610","status":400}',
    },
    "somebody who said no, in XML": {
        "request": send(BERLIN, BARE),
        "refusal": Refusal(Reason.BLACKLISTED, "<no>", None, ("To",)),
        "status": 400,
        "content_type": "application/xml",
        "body": b"<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><RestException><Code>21610</Code>"
        b"<Message>Attempt to send to unsubscribed recipient: &lt;no&gt;</Message>"
        b"<MoreInfo>https://www.twilio.com/docs/errors/21610</MoreInfo><Status>400</Status>"
        b"</RestException></TwilioResponse>",
    },
    "no number": {
        "request": send("Ada"),
        "refusal": Refusal(Reason.INVALID_ADDRESS, "", None, ("To",)),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"code":21211,"message":"Invalid \'To\' Phone Number",'
        b'"more_info":"https://www.twilio.com/docs/errors/21211","status":400}',
    },
    "nobody": {
        "request": post(b""),
        "refusal": Refusal(Reason.NO_RECIPIENT, "", None, ("To",)),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"code":21604,"message":"\'To\' phone number is required to send a Message",'
        b'"more_info":"https://www.twilio.com/docs/errors/21604","status":400}',
    },
    "an unreadable body": {
        "request": post(b"To"),
        "refusal": Refusal(Reason.UNREADABLE, "no"),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"code":20422,"message":"Invalid Parameter: no",'
        b'"more_info":"https://www.twilio.com/docs/errors/20422","status":400}',
    },
    "an unknown request of another product": {
        "request": Request("POST", "/v1/Services/IS1/Notifications"),
        "refusal": Refusal(Reason.UNKNOWN_REQUEST, "", 404),
        "status": 404,
        "content_type": "application/json",
        "body": b'{"code":20404,"message":"The requested resource was not found",'
        b'"more_info":"https://www.twilio.com/docs/errors/20404","status":404}',
    },
    "a store that is away": {
        "request": send(BERLIN),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"code":20503,"message":"Service Unavailable: later",'
        b'"more_info":"https://www.twilio.com/docs/errors/20503","status":503}',
    },
    "an upstream that broke off": {
        "request": send(BERLIN),
        "refusal": Refusal(Reason.UPSTREAM_TIMEOUT, "", 504),
        "status": 504,
        "content_type": "application/json",
        "body": b'{"code":20500,"message":"Internal Server Error",'
        b'"more_info":"https://www.twilio.com/docs/errors/20500","status":504}',
    },
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "an SMS": {
        "request": send(BERLIN),
        "status": 201,
        "content_type": "application/json",
        "body": r'\{"account_sid":"AC0{32}","api_version":"2010-04-01","body":"Grüße & more; much\+more",'
        r'"date_created":null,"date_sent":null,"date_updated":null,"direction":"outbound-api",'
        r'"error_code":null,"error_message":null,"from":"\+12125550123","messaging_service_sid":null,'
        r'"num_media":"0","num_segments":"1","price":null,"price_unit":null,"sid":"(SM[0-9a-f]{32})",'
        r'"status":"queued","subresource_uris":\{"media":"/2010-04-01/Accounts/AC0{32}/Messages/\1/Media.json"\},'
        r'"to":"\+493012345678","uri":"/2010-04-01/Accounts/AC0{32}/Messages/\1.json"\}',
    },
    "an SMS, in XML": {
        "request": send(BERLIN, XML, Body="a < b\x01"),
        "status": 201,
        "content_type": "application/xml",
        "body": r"<\?xml version='1.0' encoding='UTF-8'\?>\n<TwilioResponse><Message><AccountSid>AC0{32}</AccountSid>"
        r"<ApiVersion>2010-04-01</ApiVersion><Body>a &lt; b\ufffd</Body><DateCreated></DateCreated>.*"
        r"<Sid>SM[0-9a-f]{32}</Sid><Status>queued</Status><SubresourceUris><Media>.*</Media></SubresourceUris>"
        r"<To>\+493012345678</To><Uri>.*</Uri></Message></TwilioResponse>",
    },
    "a scheduled SMS": {
        "request": send(BERLIN, SendAt="2030-03-17T17:46:40Z"),
        "status": 201,
        "content_type": "application/json",
        "body": r'.*"status":"scheduled".*',
    },
}
