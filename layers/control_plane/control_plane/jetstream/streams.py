"""The stream behind the notifications: found, and made only where a setting says so."""

from __future__ import annotations

import json
from typing import Any, Final

from nats.aio.client import Client
from nats.js.api import RetentionPolicy, StorageType
from nats.js.errors import APIError, NotFoundError

from control_plane.errors import ConfigurationError
from control_plane.jetstream.failures import Reason, refusal

SUBJECTS: Final = ("noetl.commands", "noetl.commands.>")
MAX_AGE_SECONDS = 24 * 3600
DUPLICATE_WINDOW_SECONDS = 600


def checked_name(name: str) -> str:
    """Return the name, if a stream may have it.

    :raises ConfigurationError: it may not
    """
    if not name or set(name) & set(" \t\r\n.*>/\\"):
        raise ConfigurationError("NATS_STREAM: is not the name of a stream")
    return name


async def stream_of(client: Client, subject: str) -> str | None:
    """Ask which stream takes the subject."""
    try:
        return await client.jetstream().find_stream_name_by_subject(subject)
    except NotFoundError:
        return None


async def provide_stream(client: Client, subject: str, name: str) -> None:
    """Have the subject taken: create the stream, or add the missing subject to the one there is.

    Safe when several do it at once.

    :param name: of the stream that is looked for, or created
    :raises NotificationFailed: JetStream refuses
    """
    if await stream_of(client, subject):
        return
    for subject_of_ours in SUBJECTS:
        name = await stream_of(client, subject_of_ours) or name
    try:
        if not await _add_subject(client, subject, name):
            await client.jetstream().add_stream(
                name=name,
                subjects=list(SUBJECTS),
                storage=StorageType.FILE,
                retention=RetentionPolicy.LIMITS,
                max_age=MAX_AGE_SECONDS,
                duplicate_window=DUPLICATE_WINDOW_SECONDS,
            )
    except APIError as error:
        # Another sandbox was faster, perhaps.
        if not await stream_of(client, subject):
            raise refusal(Reason.STREAM_NOT_MADE, error) from None


async def _add_subject(client: Client, subject: str, name: str) -> bool:
    """Add what is missing to an existing stream; tell whether there is one.

    Works on the server's own JSON: nats-py's model of it drops the fields that it does not know.
    """
    try:
        config = (await _ask(client, f"STREAM.INFO.{name}"))["config"]
    except NotFoundError:
        return False
    subjects = config.get("subjects", [])
    # Beside noetl.commands.system.> the server refuses noetl.commands.> as an overlap.
    is_split = any(taken.startswith("noetl.commands.") for taken in subjects)
    missing = f"{subject.rpartition('.')[0]}.>" if is_split else SUBJECTS[1]
    await _ask(client, f"STREAM.UPDATE.{name}", {**config, "subjects": [*subjects, missing]})
    return True


async def _ask(client: Client, api: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    question = json.dumps(body).encode() if body is not None else b""
    answer = await client.request(f"$JS.API.{api}", question, timeout=5)
    content: dict[str, Any] = json.loads(answer.data)
    if "error" in content:
        raise APIError.from_error(content["error"])
    return content
