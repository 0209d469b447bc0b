"""The file of certificate authorities, and the script that makes it."""

from __future__ import annotations

import importlib.util
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import certifi
import pytest

from control_plane.certificates import AWS

REPOSITORY = Path(__file__).parents[3]


def _load() -> ModuleType:
    # By its file, since the folder's name is also that of a module of Python's own.
    spec = importlib.util.spec_from_file_location("ca_bundle", REPOSITORY / "platform/ca_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


ca_bundle = _load()
COMMITTED = ca_bundle.read_pem(AWS.read_text(encoding="ascii"))
ALL_OF_CERTIFI = ca_bundle.read_pem(Path(certifi.where()).read_text(encoding="utf-8"))


def test_no_authority_expires_within_half_a_year() -> None:
    soon = datetime.now(UTC) + timedelta(days=180)

    expiring = [authority.name for authority in COMMITTED if authority.expires < soon]

    # The first one is due in 2037. Run platform/ca_bundle.py, look at the difference, commit.
    assert not expiring


def test_the_bundle_holds_three_roots_of_rds_for_every_region() -> None:
    names = [authority.name for authority in COMMITTED if authority.is_of_rds]

    regions = {name.split()[2] for name in names}

    assert {"us-east-1", "eu-central-1", "ap-southeast-2"} <= regions
    for region in regions:
        for kind in ("RSA2048", "RSA4096", "ECC384"):
            assert f"Amazon RDS {region} Root CA {kind} G1" in names


def test_the_bundle_holds_the_roots_of_amazon_trust_services() -> None:
    names = {authority.name for authority in COMMITTED if authority.is_of_trust_services}

    assert names == {
        *(f"Amazon Root CA {number}" for number in (1, 2, 3, 4)),
        "Starfield Services Root Certificate Authority - G2",
    }


def test_the_bundle_trusts_nobody_else() -> None:
    strangers = [
        authority
        for authority in COMMITTED
        if not (authority.is_of_rds or authority.is_of_trust_services) or not authority.is_root
    ]

    assert not strangers


def test_the_committed_file_is_what_the_script_writes() -> None:
    chosen = ca_bundle.choose(reversed(COMMITTED), datetime.now(UTC))

    assert ca_bundle.to_bundle(chosen) == AWS.read_text(encoding="ascii")


def test_tls_takes_the_whole_file() -> None:
    context = ssl.create_default_context(cafile=str(AWS))

    assert len(context.get_ca_certs()) == len(COMMITTED)


def test_what_has_expired_is_left_out() -> None:
    last_day_of_the_first = min(authority.expires for authority in COMMITTED)

    chosen = ca_bundle.choose(COMMITTED, last_day_of_the_first)

    assert len(chosen) < len(COMMITTED)
    assert all(authority.expires > last_day_of_the_first for authority in chosen)


def test_of_all_the_roots_of_the_web_only_amazons_are_chosen() -> None:
    chosen = ca_bundle.choose([*ALL_OF_CERTIFI, *ALL_OF_CERTIFI], datetime.now(UTC))

    assert len(ALL_OF_CERTIFI) > 100
    assert {authority.name for authority in chosen} >= {"Amazon Root CA 1", "Amazon Root CA 3"}
    assert set(chosen) <= set(COMMITTED)


def test_certificates_are_read_from_the_literals_of_a_script() -> None:
    lines = COMMITTED[0].to_pem().splitlines()
    script = "exports.defaults = [\n" + " +\n".join(f"  '{line}\\n'" for line in lines) + ",\n];"

    assert ca_bundle.read_javascript(script) == COMMITTED[:1]


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(ssl.SSLError):
        ca_bundle.Authority.from_der(b"\x30\x03\x02\x01\x01")
