"""Requests, rendered to the byte: SendGrid sends of ordinary size, and events."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

from bench import people

MAIL_SEND = "/v3/mail/send"
_KEY = "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"
_TEXT = (
    "Hello {name}, your order {order} left our warehouse this morning and is on its way to you. "
    "You can follow it at https://shop.example.com/orders/{order}. "
)


def single(to: str, number: int) -> dict[str, Any]:
    """Write a send to one recipient, of about 1.5 KB as JSON."""
    text = _TEXT.format(name=f"Reader {number}", order=100_000 + number)
    return {
        "personalizations": [
            {"to": [{"email": to, "name": f"Reader {number}"}], "custom_args": {"order": str(number)}}
        ],
        "from": {"email": "news@shop.example.com", "name": "The Shop"},
        "reply_to": {"email": "service@shop.example.com"},
        "subject": f"Your order {100_000 + number} is on its way",
        "content": [
            {"type": "text/plain", "value": text * 2},
            {"type": "text/html", "value": f"<html><body><p>{text}</p><p>{text}</p></body></html>"},
        ],
        "categories": ["orders"],
        "tracking_settings": {"click_tracking": {"enable": True}, "open_tracking": {"enable": True}},
    }


def batch(to: list[str]) -> dict[str, Any]:
    """Write a send of one template with a personalization for each recipient."""
    return {
        "personalizations": [
            {"to": [{"email": address}], "dynamic_template_data": {"name": f"Reader {number}", "code": f"C{number:05}"}}
            for number, address in enumerate(to)
        ],
        "from": {"email": "news@shop.example.com", "name": "The Shop"},
        "template_id": "d-5f1e0a3cbb584b0ab4e0fbb4c6d5d0a1",
        "categories": ["newsletter"],
    }


def singles(count: int) -> list[bytes]:
    """Make bodies of sends to one recipient each, none of whom is refused."""
    return [orjson.dumps(single(people.free_address(number), number)) for number in range(count)]


def batches(count: int, recipients: int, share: float, population: int) -> list[bytes]:
    """Make bodies of sends to many, with a share of refused recipients."""
    random = Random(7)
    return [orjson.dumps(batch(people.addresses(recipients, share, population, random))) for _ in range(count)]


def events(first: int, count: int) -> list[bytes]:
    """Make bodies that each blacklist a lead nobody has heard of."""
    names = (f"new{number}@mail.example.com" for number in range(first, first + count))
    return [orjson.dumps({"email": name, "businessUnit": "", "events": [{"event": "Blacklisted"}]}) for name in names]


def posts(path: str, bodies: list[bytes]) -> list[bytes]:
    """Render requests as a provider's SDK sends them."""
    head = (
        f"POST {path} HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        "Accept-Encoding: identity\r\n"
        f"Authorization: Bearer {_KEY}\r\n"
        "Content-Type: application/json\r\n"
        "User-Agent: sendgrid/6.12.4;python\r\n"
        "Accept: application/json\r\n"
        "Content-Length: {length}\r\n"
        "\r\n"
    )
    return [head.format(length=len(body)).encode() + body for body in bodies]
