-- Put commands that no worker claimed back into the outbox, to be sent under another message id, and
-- note how far the look has come: both, or nothing where another relay was faster. A row that is
-- there already has its own way to that.
WITH moved AS (
    UPDATE noetl_serverless.relay
    SET looked_until = %(until)s::bigint
    WHERE looked_until = %(since)s::bigint
    RETURNING looked_until
)
INSERT INTO noetl_serverless.outbox
    (command_id, execution_id, subject, message_id, body, traceparent, created_at, due_at,
     renotifications)
SELECT given.*, now(), now(), 1
FROM unnest(
    %(command_ids)s::bigint[],
    %(execution_ids)s::bigint[],
    %(subjects)s::text[],
    %(message_ids)s::text[],
    %(bodies)s::text[],
    %(traceparents)s::text[]
) AS given
WHERE EXISTS (SELECT FROM moved)
ON CONFLICT (command_id) DO NOTHING
RETURNING command_id
