"""A certificate authority for the tests, made anew for each run, so that upstreams speak TLS as AWS does."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """The files of one authority and of the server certificate that it has signed for loopback."""

    bundle: Path
    certificate: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        return cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.bundle))


def make_authority(folder: Path, name: str, host: str = "localhost") -> Authority:
    """Its server certificate is for this host and for 127.0.0.1."""
    folder.mkdir(parents=True)
    authority = Authority.in_folder(folder)

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    only_itself = x509.BasicConstraints(ca=True, path_length=0)
    signing = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    ca = (
        unsigned(ca_name, ca_name, ca_key)
        .add_extension(only_itself, critical=True)
        .add_extension(signing, critical=True)
        .sign(ca_key, hashes.SHA256())
    )

    key = ec.generate_private_key(ec.SECP256R1())
    addresses = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    loopback = x509.SubjectAlternativeName(addresses)
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    server = unsigned(server_name, ca_name, key).add_extension(loopback, critical=False).sign(ca_key, hashes.SHA256())

    authority.bundle.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    authority.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    authority.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return authority


def unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )
