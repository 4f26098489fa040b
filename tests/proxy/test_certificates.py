"""Whether a listener's certificate and key can be used."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from proxy.certificates import server_context
from proxy.config import Tls
from proxy.loading import ConfigError, fingerprint, load

AUTHORITY = trustme.CA()


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Write a certificate and its key."""
    pair = AUTHORITY.issue_cert("localhost")
    cert, key = folder / "cert.pem", folder / "key.pem"
    pair.private_key_pem.write_to_path(key)
    cert.write_bytes(b"".join(pem.bytes() for pem in pair.cert_chain_pems))
    return cert, key


def write_config(folder: Path, cert: Path, key: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text(f"listen:\n  ops:\n    address: 127.0.0.1:0\n    tls:\n      cert: {cert}\n      key: {key}\n")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    return [str(fault) for fault in caught.value.faults]


def with_password(key: Path) -> bytes:
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    hidden = serialization.BestAvailableEncryption(b"hunter2")
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


def test_a_pair_that_fits_is_taken_and_watched(tmp_path: Path) -> None:
    """Certificate and key are among the files, and another content of theirs is another digest."""
    cert, key = write_pair(tmp_path)
    loaded = load(write_config(tmp_path, cert, key), {})
    assert set(loaded.files) == {tmp_path / "config.yaml", cert, key}
    write_pair(tmp_path)
    assert fingerprint(loaded.files) != loaded.digest
    assert server_context(Tls(cert=cert, key=key)).cert_store_stats()["x509"] == 0


def test_absent_files_are_told_one_by_one(tmp_path: Path) -> None:
    """Each file that is not there is a fault of its own."""
    path = write_config(tmp_path, tmp_path / "cert.pem", tmp_path / "key.pem")
    assert faults(path) == [
        "line 5, listen.ops.tls.cert: cannot be read: No such file or directory",
        "line 6, listen.ops.tls.key: cannot be read: No such file or directory",
    ]


def test_a_key_of_another_pair_is_told(tmp_path: Path) -> None:
    """A key that does not belong to the certificate is a fault."""
    cert, key = write_pair(tmp_path)
    AUTHORITY.issue_cert("localhost").private_key_pem.write_to_path(key)
    assert faults(write_config(tmp_path, cert, key)) == [
        "line 4, listen.ops.tls: certificate and key cannot be used: key values mismatch"
    ]


def test_a_key_with_a_password_is_told(tmp_path: Path) -> None:
    """A key behind a password is a fault: nobody is there to type it when the gate starts."""
    cert, key = write_pair(tmp_path)
    key.write_bytes(with_password(key))
    assert faults(write_config(tmp_path, cert, key))[0].startswith("line 4, listen.ops.tls: certificate and key cannot")


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    """A file that holds no certificate is a fault, and its content is not shown."""
    cert, key = write_pair(tmp_path)
    cert.write_text("hunter2")
    told = faults(write_config(tmp_path, cert, key))
    assert told[0].startswith("line 4, listen.ops.tls: certificate and key cannot be used: ")
    assert "hunter2" not in told[0]


def test_certificates_are_told_beside_other_faults(tmp_path: Path) -> None:
    """What is wrong elsewhere in the file does not hide a broken certificate."""
    path = write_config(tmp_path, tmp_path / "cert.pem", tmp_path / "key.pem")
    path.write_text(path.read_text() + "log: {level: x}\n")
    assert len(faults(path)) == 3
