"""Logins that are kept in AWS Secrets Manager."""

from __future__ import annotations

from importlib import import_module


class LoginUnreadable(Exception):
    """The secret cannot be read, or holds no login."""


def login_from_secret(arn: str) -> dict[str, str]:
    """Read ``{"username": …, "password": …}`` or ``{"token": …}``; about 5 s at the longest.

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
    for names in (("username", "password"), ("token",)):
        login = {name: str(given[name]) for name in names if given.get(name)}
        if len(login) == len(names):
            return login
    raise LoginUnreadable("the secret holds neither username and password nor token")
