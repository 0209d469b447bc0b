"""Logins: those that AWS Secrets Manager keeps, and tokens of RDS, which are made here."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import quote

LOGINS = (("username", "password"), ("token",), ("creds",), ("nkey",))
"""The fields of a login, the first that are all there; the last three are for NATS alone.

``creds`` is the text of a credentials file, ``nkey`` a seed. Beside each of them ``ca`` may name
the authority that alone is trusted, as base64 of DER.
"""

TOKEN_SECONDS = 900
"""How long RDS takes a token; a connection that was opened with it lives on."""


class LoginUnreadable(Exception):
    """The secret cannot be read or holds no login, or no token can be made."""


def load_signer() -> None:
    """Load what `database_token` needs, which takes longer than all else that a request waits for.

    For the init: with SnapStart it is in the snapshot, and else the init has more of a processor.
    """
    with contextlib.suppress(ImportError):  # `database_token` will say so
        _session()


@cache
def _session() -> Any:
    # Late, for only tokens need it. Lambda's runtime brings it.
    import_module("botocore.auth")
    return import_module("botocore.session").get_session()


def database_token(host: str, port: int, user: str) -> str:
    """Sign a token that RDS takes in place of a password, without asking anybody.

    Its host must be the one that RDS gave, for the server compares.

    :raises LoginUnreadable: there is no region or nothing to sign with
    """
    auth = import_module("botocore.auth")
    request = import_module("botocore.awsrequest").AWSRequest(
        method="GET",
        url=f"https://{host}:{port}/?Action=connect&DBUser={quote(user, safe='')}",
    )
    try:
        session = _session()
        region = session.get_config_variable("region") or os.environ["AWS_REGION"]
        providers = session.get_component("credential_provider")
        keys = providers.load_credentials().get_frozen_credentials()  # as they are by now
    except Exception as error:  # botocore has many, and none of them may pass for a defect here
        raise LoginUnreadable(f"no token can be signed: {type(error).__name__}") from None
    auth.SigV4QueryAuth(keys, "rds-db", region, expires=TOKEN_SECONDS).add_auth(request)
    return str(request.url).removeprefix("https://")


def login_from_secret(arn: str) -> dict[str, str]:
    """Read one login of `LOGINS`, and ``ca`` with it; about 5 s at the longest.

    Nothing is cached here: who keeps the login asks again when it is refused, since then the
    secret has been rotated. What else the secret holds (the host, the engine) is left out.

    :raises LoginUnreadable: says why, and repeats nothing of the secret
    """
    # Late, for it brings boto3, and most cold starts need neither.
    from aws_lambda_powertools.utilities import parameters  # noqa: PLC0415

    config = import_module("botocore.config").Config(
        connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2}
    )
    provider = parameters.SecretsProvider(boto_config=config)
    try:
        secret = provider.get(arn, transform="json", force_fetch=True)
    except parameters.exceptions.TransformParameterError:
        reason = "the secret is not JSON"
    except parameters.exceptions.GetParameterError as error:
        reason = f"the secret cannot be read: {_name_of(error.__context__)}"
    else:
        return _login(secret)
    raise LoginUnreadable(reason)


def _name_of(cause: BaseException | None) -> str:
    response = getattr(cause, "response", {})  # botocore's ClientError
    return str(response.get("Error", {}).get("Code") or type(cause).__name__)


def _login(secret: object) -> dict[str, str]:
    given = secret if isinstance(secret, dict) else {}
    for names in LOGINS:
        login = {name: str(given[name]) for name in names if given.get(name)}
        if len(login) == len(names):
            return login | ({"ca": str(given["ca"])} if given.get("ca") else {})
    raise LoginUnreadable("the secret holds neither username and password nor token, creds, nkey")
