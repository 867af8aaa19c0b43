# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server says of our certificate is heard, whenever it says it: with TLS 1.3 that may be after it has closed the connection."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import struct
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).parent))

from probe_servers import serving

from ansible_collections.mainstay.backend.plugins.module_utils._probe_tls import Tls
from ansible_collections.mainstay.backend.plugins.module_utils._probe_wire import Unwanted, Wire


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with key.pem and cert.pem, for 127.0.0.1 and by itself."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "probe")])
    start = datetime.now(UTC) - timedelta(hours=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=1))
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["at once", "later"])
def test_a_server_that_wants_a_certificate_says_so(files: Path, pause: float, reset: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files / "cert.pem", files / "key.pem")
    context.load_verify_locations(files / "cert.pem")

    def talk(connection: socket.socket) -> None:
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
            pass

    def ask(port: int) -> None:
        wire = Wire("127.0.0.1", port)
        try:
            Tls(ca_file=str(files / "cert.pem")).secure(wire, "127.0.0.1")
            time.sleep(pause)
            wire.send(b"PING\r\n")
            wire.line()
        finally:
            wire.close()

    with serving(talk) as port:
        for _time in range(20):
            with pytest.raises(Unwanted, match="does not accept the client's certificate"):
                ask(port)
