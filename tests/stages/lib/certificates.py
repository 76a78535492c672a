"""Certificates by openssl, good ones and all kinds of bad ones."""

import dataclasses
import datetime
import pathlib
import subprocess

CA = "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"
LEAF = "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth"
LOCALHOST = (*LEAF, "subjectAltName=DNS:localhost")

KEYS = {
    "RSA-1024": ("RSA", "rsa_keygen_bits:1024"),
    "RSA-2048": ("RSA", "rsa_keygen_bits:2048"),
    "RSA-4096": ("RSA", "rsa_keygen_bits:4096"),
    "P-256": ("EC", "ec_paramgen_curve:P-256"),
    "P-384": ("EC", "ec_paramgen_curve:P-384"),
    "Ed25519": ("ED25519",),
}

CONFIG = """
[ca]
default_ca = authority
[authority]
database = {0}/database
new_certs_dir = {0}
rand_serial = yes
default_md = default
policy = policy
unique_subject = no
email_in_dn = no
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


@dataclasses.dataclass
class Certificate:
    """The files of a certificate and its key, PEM."""

    certificate: pathlib.Path
    key: pathlib.Path

    def pem(self):
        return self.certificate.read_text()


class Maker:
    """Makes certificates in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        (directory / "database").touch()
        (directory / "config").write_text(CONFIG.format(directory))

    def make(self, name, issuer=None, extensions=LOCALHOST, key="P-256", days=(-1, 30), subject=None, digest="default"):
        """A certificate, by `issuer` or else by itself, valid between these days from now."""
        made = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        kind, *options = KEYS[key]
        options = [word for option in options for word in ("-pkeyopt", option)]
        openssl("genpkey", "-algorithm", kind, *options, "-out", made.key)
        request = self.directory / f"{name}.csr"
        config = self.directory / "config"
        openssl("req", "-new", "-config", config, "-key", made.key, "-subj", f"/CN={subject or name}", "-out", request)
        command = ["ca", "-batch", "-notext", "-config", config, "-in", request]
        command += ["-out", made.certificate, "-startdate", moment(days[0]), "-enddate", moment(days[1]), "-md", digest]
        if extensions:
            file = self.directory / f"{name}.ext"
            file.write_text("\n".join(extensions))
            command += ["-extfile", file]
        if issuer:
            command += ["-cert", issuer.certificate, "-keyfile", issuer.key]
        else:
            command += ["-selfsign", "-keyfile", made.key]
        openssl(*command)
        return made

    def chain(self, *certificates):
        """A leaf and what goes with it, in a file; the key is the leaf's."""
        file = self.directory / (certificates[0].certificate.stem + "-chain.pem")
        file.write_text("".join(certificate.pem() for certificate in certificates))
        return Certificate(file, certificates[0].key)

    def with_broken_signature(self, name, certificate):
        """The same certificate, but for one bit of its signature."""
        broken = Certificate(self.directory / f"{name}.pem", certificate.key)
        plain, der = self.directory / f"{name}.der", self.directory / f"{name}-broken.der"
        openssl("x509", "-in", certificate.certificate, "-outform", "DER", "-out", plain)
        content = bytearray(plain.read_bytes())
        content[-1] ^= 1
        der.write_bytes(content)
        openssl("x509", "-in", der, "-inform", "DER", "-out", broken.certificate)
        return broken


def moment(days):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return then.strftime("%Y%m%d%H%M%SZ")


def openssl(*command):
    done = subprocess.run(["openssl", *map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"FAILED: openssl {' '.join(map(str, command))}\n{done.stderr}")
