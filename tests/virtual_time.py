"""Time that passes at once: everything in the database that is waited for becomes older."""

from __future__ import annotations

from typing import LiteralString

import psycopg

_COLUMNS: dict[LiteralString, tuple[LiteralString, ...]] = {
    "outbox": ("created_at", "due_at", "leased_until", "parked_at", "notified_at"),
    "start_request": ("created_at", "expires_at"),
}

# As NoETL's own, but for the time.
_SNOWFLAKE = """
CREATE OR REPLACE FUNCTION noetl.snowflake_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT ((floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000
             + (SELECT milliseconds FROM public.passed_time)) << 23)
           | (1::bigint << 18) | (nextval('noetl.snowflake_seq') % 1024)
$$
"""


def pass_time(connection: psycopg.Connection, seconds: float) -> None:
    """Let time pass for the relay: what is in the outbox ages, and ids are drawn later.

    :param connection: of the database's owner
    """
    with connection.transaction():
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.passed_time AS SELECT 0::bigint AS milliseconds"
        )
        connection.execute("GRANT SELECT ON public.passed_time TO PUBLIC")
        connection.execute(
            "UPDATE public.passed_time SET milliseconds = milliseconds + %s",
            (int(seconds * 1000),),
        )
        connection.execute(_SNOWFLAKE)
        for table, columns in _COLUMNS.items():
            older = ", ".join(f"{name} = {name} - %(passed)s::interval" for name in columns)
            connection.execute(
                f"UPDATE noetl_serverless.{table} SET {older}",  # type: ignore[arg-type]
                {"passed": f"{seconds} seconds"},
            )
