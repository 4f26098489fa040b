"""Tests for proxy/formats/guarded.py."""

from __future__ import annotations

import pytest

from proxy.formats.guarded import guarded

MATCHES = guarded("* /v3/hooks/**", "READ /v*/keys", "WRITE /v3/*/team/**", "DELETE /v3/x.y/blocked*/**")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/v3/hooks", id="any method"),
        pytest.param("DELETE", "/v3/hooks/1/2", id="what lies below"),
        pytest.param("PATCH", "/V3/Hooks/A", id="in another case"),
        pytest.param("HEAD", "/v12/keys", id="reading, a star in a segment"),
        pytest.param("PUT", "/v3/ada/team", id="writing, a star for a segment"),
        pytest.param("DELETE", "/v3/x.y/blockedContacts/ada@example.com", id="one method"),
        pytest.param("DELETE", "/v3/hooks/a\nb", id="whatever stands below"),
    ],
)
def test_what_a_row_says_is_guarded(method: str, path: str) -> None:
    """A row covers its methods, and paths in any case, below it only where it says so."""
    assert MATCHES(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/v3/hooksome", id="the beginning of another segment"),
        pytest.param("GET", "/v3", id="above"),
        pytest.param("POST", "/v3/keys", id="writing where reading is meant"),
        pytest.param("GET", "/v3/keys/1", id="below where the row does not say so"),
        pytest.param("GET", "/v3/ada/team", id="reading where writing is meant"),
        pytest.param("PUT", "/v3/ada/bob/team", id="two segments for one star"),
        pytest.param("DELETE", "/v3/xzy/blocked", id="a dot is a dot"),
        pytest.param("POST", "/v3/x.y/blocked", id="another method"),
    ],
)
def test_nothing_else_is_guarded(method: str, path: str) -> None:
    """What no row covers is not guarded."""
    assert not MATCHES(method, path)
