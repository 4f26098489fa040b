from __future__ import annotations
import pytest, json, gzip, zlib, asyncio
from typing import TYPE_CHECKING
from tests.conftest import *

B = mail_body("b@example.com")
def post(target="/mail/v3/mail/send", headers=(), body=B, version="HTTP/1.1"):
    return request("POST", target, [JSON, *headers], body).replace(b"HTTP/1.1", version.encode(), 1)

CASES = {
 "campaign-bytes": post(headers=[("X-Sendgate-Campaign", "\xff\xfe")], body=mail_body("bad@example.com")),
 "campaign-bytes-pass": post(headers=[("X-Sendgate-Campaign", "\xff\xfe")]),
 "key-bytes": post(headers=[("X-Sendgate-Key", "\xff")]),
 "auth-bytes": post(headers=[("Authorization", "Bearer \xff")]),
 "any-bytes": post(headers=[("X-Any", "\xff")]),
 "upgrade": post(headers=[("Upgrade", "websocket"), ("Connection", "upgrade")]),
 "h2c": post(headers=[("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings")]),
 "override": post(headers=[("X-HTTP-Method-Override", "GET")]),
 "trace": request("TRACE", "/mail/v3/mail/send"),
 "connect": request("CONNECT", "example.com:443"),
 "connect-path": request("CONNECT", "/mail/v3/mail/send"),
 "options-star": request("OPTIONS", "*"),
 "absolute": post("http://evil.test/mail/v3/mail/send"),
 "0.9": post(version="HTTP/0.9"),
 "2.0": post(version="HTTP/2.0"),
 "1.2": post(version="HTTP/1.2"),
 "1.0": post(version="HTTP/1.0"),
 "noversion": b"POST /mail/v3/mail/send\r\n\r\n",
 "te+cl": post(headers=[("Transfer-Encoding", "chunked")]),
 "2cl": post(headers=[("Content-Length", "3")]),
 "2host": post(headers=[("Host", "a"), ("Host", "b")]),
 "te-gzip": request("POST", "/mail/v3/mail/send", [JSON, ("Transfer-Encoding", "gzip, chunked")]) + b"0\r\n\r\n",
 "te-xchunked": request("POST", "/mail/v3/mail/send", [JSON, ("Transfer-Encoding", "xchunked")]) + b"0\r\n\r\n",
 "badchunk": request("POST", "/mail/v3/mail/send", [JSON, ("Transfer-Encoding", "chunked")]) + b"zz\r\n{}\r\n0\r\n\r\n",
 "badchunk2": request("POST", "/mail/v3/mail/send", [JSON, ("Transfer-Encoding", "chunked")]) + b"5\r\n{}aaaaaaa\r\n0\r\n\r\n",
 "badchunk-harmless": request("POST", "/mail/v3/mail/batch", [JSON, ("Transfer-Encoding", "chunked")]) + b"2\r\n{}\r\nzz\r\n0\r\n\r\n",
 "lf": b"POST /mail/v3/mail/send HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
 "obsfold": b"POST /mail/v3/mail/send HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
 "nul": b"POST /mail/v3/mail/send HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\nContent-Length: 0\r\n\r\n",
 "cr": b"POST /mail/v3/mail/send HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\nContent-Length: 0\r\n\r\n",
 "space-name": b"POST /mail/v3/mail/send HTTP/1.1\r\nHost: a\r\nX-A : b\r\nContent-Length: 0\r\n\r\n",
 "highpath": post("/mail/v3/mail/s\xffend"),
 "highpath-get": request("GET", "/mail/v3/x\xff?q=\xff"),
 "highquery": post("/mail/v3/mail/send?a=\xff"),
 "frag": post("/mail/v3/mail/send#a"),
 "fragq": post("/mail/v3/mail/send?x#a"),
 "tab": post("/mail/v3/mail/\tsend"),
 "dslash": post("/mail//v3/mail/send"), "dslash0": post("//mail/v3/mail/send"),
 "dots": post("/mail/v3/%2e%2e/v3/mail/send"), "dots2": post("/mail/v3/../v3/mail/send"), "dots3": post("/mail/../text/v3/mail/send"),
 "case": post("/mail/V3/mail/send"), "case2": post("/MAIL/v3/mail/send"), "enc": post("/mail/v3/m%61il/send"), "enc-route": post("/m%61il/v3/mail/send"),
 "slash": post("/mail/v3/mail/send/"), "semi": post("/mail/v3/mail/send;x=1"), "bs": post("/mail/v3\\mail/send"),
 "expect-odd": post(headers=[("Expect", "200-ok")]),
 "dupkey": post(headers=[("X-Sendgate-Class", "transactional"), ("X-Sendgate-Class", "marketing")]),
 "dupauth": post(headers=[("Authorization", "a"), ("Authorization", "b")]),
 "dupct": post(headers=[("Content-Type", "application/json")]),
 "lower": post().replace(b"POST", b"post", 1), "weird": post().replace(b"POST", b"P-O_ST", 1),
 "unprint": post().replace(b"POST", b"PO\xffST", 1),
 "ce": post(headers=[("Content-Encoding", "br")]), "gz": post(headers=[("Content-Encoding", "gzip")], body=gzip.compress(B)),
 "gzcut": post(headers=[("Content-Encoding", "gzip")], body=gzip.compress(B)[:-4]),
 "gz2": post(headers=[("Content-Encoding", "gzip")], body=gzip.compress(B)*2),
 "gzbomb": post(headers=[("Content-Encoding", "gzip")], body=gzip.compress(b"a"*(40<<20))),
 "ce-bytes": post(headers=[("Content-Encoding", "\xff")]), "ct-bytes": request("POST", "/mail/v3/mail/send", [("Content-Type", "\xff")], B),
 "host-bytes": request("POST", "/mail/v3/mail/send", [JSON, ("Host", "\xff")], B),
 "nohost": post().replace(b"Host: gate.test\r\n", b""),
 "empty": b"\r\n\r\n", "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a"*100+b"\r\n\r\n",
 "longline": post("/mail/v3/mail/send?" + "a"*70000), "longhead": post(headers=[("X-A", "a"*70000)]), "manyhead": post(headers=[(f"X-{i}", "a") for i in range(3000)]),
 "badcl": request("POST", "/mail/v3/mail/send", [JSON, ("Content-Length", "-1")]), "pluscl": request("POST", "/mail/v3/mail/send", [JSON, ("Content-Length", "+1")]),"comma": request("POST", "/mail/v3/mail/send", [JSON, ("Content-Length", "2, 2")])+b"{}",
 "sms-unreadable": request("POST", "/text"+TEXT, [FORM], b"To=%2b1&To=b"),
 "unit-bytes": post(headers=[("X-Sendgate-Business-Unit", "\xff")]),
 "class-bytes": post(headers=[("X-Sendgate-Class", "\xff")]),
}

@pytest.mark.parametrize("name", CASES)
async def test_x(open_gate, upstream, name, capsys):
    gate = await open_gate(senders=[{"name": "s", "key": "k", "routes": ["mail"]}] if name == "key-bytes" else [])
    await gate.tell("Blacklisted", email="bad@example.com")
    before=len(capsys.readouterr().out)
    try:
        a = await asyncio.wait_for(gate.ask(CASES[name]), 5)
        r = f"{a.line} {a.headers[:1]} {a.body[:100]}"
    except BaseException as e:
        r = repr(e)
    recs = [(x["reason"], x["sent"]) for x in await gate.records()]
    with capsys.disabled():
        print(f"\n{name:20} {r}\n    recs={recs} heard={[h.line for h in upstream.heard]}")
        o = capsys.readouterr().out if False else ""
