-- Make notifications that were given up due once more, of some executions or of all, as if they had
-- begun to wait just now. What had arrived and was claimed by nobody is sent under another id.
WITH released AS (
    SELECT command_id
    FROM noetl_serverless.outbox
    WHERE parked_at IS NOT NULL
      AND (%(execution_ids)s::bigint[] IS NULL OR execution_id = ANY (%(execution_ids)s::bigint[]))
    ORDER BY parked_at, command_id
    LIMIT %(most)s::bigint
    FOR UPDATE
)
UPDATE noetl_serverless.outbox
SET parked_at = NULL, due_at = now(), created_at = now(), attempts = 0,
    renotifications = renotifications + (notified_at IS NOT NULL)::integer, notified_at = NULL
FROM released
WHERE outbox.command_id = released.command_id
RETURNING outbox.command_id
