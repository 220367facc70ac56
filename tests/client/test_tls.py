"""TLS, with a certificate made for the occasion."""

import subprocess

import pytest

from tenprint.client import Client, Target
from tenprint.client.errors import TenprintError


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_a_client_that_trusts_the_certificate_is_served_and_others_are_not(launch, pair):
    certificate, key = pair
    server = launch(tls_certificate=str(certificate), tls_key=str(key))
    with Client(Target(server.address, ca=certificate), timeout=20) as client:
        assert len(client.galleries()) == 2
    with Client(server.address, timeout=3) as plain, pytest.raises(TenprintError):
        plain.galleries()
    told = server.log.read_text()
    assert "PRIVATE KEY" not in told
