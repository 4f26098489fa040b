"""Headers put behind those of a raw message."""

from __future__ import annotations

import pytest

from proxy.formats import mime
from proxy.formats.heading import headed, signs

NAMES = ("List-Unsubscribe", "List-Unsubscribe-Post")


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("body", ["", "{end}", "{end}Hello{end}\rodd\n"])
def test_headers_stand_behind_the_others(end: str, body: str) -> None:
    """The new lines end as the others do, and what stands before and behind them stays."""
    head, rest = f"From: a@x.io{end}Subject: two{end} lines{end}", body.format(end=end)
    message = mime.read(f"{head}{rest}".encode())
    assert headed(message, {"X-A": "<1>", "X-B": "2"}) == f"{head}X-A: <1>{end}X-B: 2{end}{rest}".encode()


@pytest.mark.parametrize(
    ("head", "signed"),
    [
        pytest.param("DKIM-Signature: v=1; h=From:To; b=x", False, id="of other headers"),
        pytest.param("DKIM-Signature: v=1; h=From:list-unsubscribe; b=x", True, id="of one of them"),
        pytest.param("dkim-signature: h=From :\r\n LIST-UNSUBSCRIBE-POST", True, id="folded, at the beginning"),
        pytest.param("ARC-Message-Signature: i=1; h = List-Unsubscribe", True, id="by a forwarder"),
        pytest.param("DKIM-Signature: v=1; b=x", True, id="of what it does not say"),
        pytest.param("DKIM-Signature: v=1; bh=List-Unsubscribe; h=From", False, id="the name elsewhere"),
        pytest.param("DKIM-Signature: h=From\r\nDKIM-Signature: h=List-Unsubscribe", True, id="the second one"),
        pytest.param("Subject: DKIM-Signature: h=List-Unsubscribe", False, id="no signature"),
    ],
)
def test_a_signature_of_such_headers_is_found(head: str, signed: bool) -> None:  # noqa: FBT001 (the expected answer)
    """A signature speaks for the headers in its h=, and one without for all."""
    message = mime.read(f"From: a@x.io\r\n{head}\r\n\r\n".encode())
    assert signs(message, NAMES) is signed
