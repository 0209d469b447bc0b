-- Look again at commands that were given up: where there is a sign of a worker by now, or the
-- execution has ended, the row goes. The others are looked at again in a quarter of an hour.
WITH checked AS (
    SELECT command_id, execution_id
    FROM noetl_serverless.outbox
    WHERE parked_at IS NOT NULL AND due_at <= now()
    ORDER BY due_at
    LIMIT %(most)s::bigint
    FOR UPDATE SKIP LOCKED
),
judged AS (
    SELECT command_id,
           EXISTS (
               SELECT FROM noetl.event
               WHERE event.execution_id = checked.execution_id
                 AND event.event_type = ANY (%(signs)s::text[])
           ) AS is_settled
    FROM checked
),
settled AS (
    DELETE FROM noetl_serverless.outbox
    USING judged
    WHERE outbox.command_id = judged.command_id AND judged.is_settled
),
later AS (
    UPDATE noetl_serverless.outbox
    SET due_at = now() + interval '15 minutes'
    FROM judged
    WHERE outbox.command_id = judged.command_id AND NOT judged.is_settled
)
SELECT count(*) FILTER (WHERE is_settled) AS settled FROM judged
