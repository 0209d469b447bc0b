-- Take rows that are due, the most overdue first, for as long as a lease lasts: it ends by itself.
-- Where the log has a sign that the command is in a worker's hands or wanted no more, the row goes.
-- One whose message arrived and that no worker claimed is to be sent anew, or else is given up.
-- Always a row: what was counted, and a leased notification where there is one.
WITH due AS (
    SELECT command_id, execution_id, renotifications, notified_at IS NOT NULL AS is_unclaimed
    FROM noetl_serverless.outbox
    WHERE parked_at IS NULL AND due_at <= now()
      -- What is ours already was taken by the same call, whose answer was lost.
      AND (leased_until IS NULL OR leased_until <= now() OR lease_owner = %(owner)s::text)
    ORDER BY due_at
    LIMIT %(most)s::bigint
    FOR UPDATE SKIP LOCKED
),
judged AS (
    SELECT due.*,
           EXISTS (
               SELECT FROM noetl.event
               WHERE event.execution_id = due.execution_id
                 AND event.event_type = ANY (%(signs)s::text[])
           ) AS is_settled,
           is_unclaimed AND renotifications >= %(most_renotifications)s::integer AS is_given_up
    FROM due
),
settled AS (
    DELETE FROM noetl_serverless.outbox
    USING judged
    WHERE outbox.command_id = judged.command_id AND judged.is_settled
),
parked AS (
    UPDATE noetl_serverless.outbox
    SET parked_at = now(), due_at = now() + interval '15 minutes', lease_owner = NULL,
        leased_until = NULL, last_error = 'no worker has claimed the command'
    FROM judged
    WHERE outbox.command_id = judged.command_id AND judged.is_given_up AND NOT judged.is_settled
),
leased AS (
    UPDATE noetl_serverless.outbox
    SET lease_owner = %(owner)s::text,
        leased_until = now() + %(lease_seconds)s * interval '1 second',
        attempts = CASE WHEN judged.is_unclaimed THEN 1 ELSE outbox.attempts + 1 END,
        renotifications = outbox.renotifications + judged.is_unclaimed::integer,
        notified_at = NULL
    FROM judged
    WHERE outbox.command_id = judged.command_id
      AND NOT judged.is_settled AND NOT judged.is_given_up
    RETURNING outbox.command_id, outbox.subject, outbox.message_id, outbox.body,
              outbox.traceparent, outbox.renotifications
)
SELECT counted.*, leased.*
FROM (
    SELECT count(*) FILTER (WHERE is_settled) AS settled,
           count(*) FILTER (WHERE is_given_up AND NOT is_settled) AS parked
    FROM judged
) AS counted
LEFT JOIN leased ON true
