-- These messages have not arrived. What was tried is tried again later, each time later, up to a
-- quarter of an hour and never all at one moment; what was not tried stays due. What has waited for
-- too long is given up.
UPDATE noetl_serverless.outbox
SET attempts = outbox.attempts - (NOT failed.was_tried)::integer,
    due_at = CASE
        WHEN outbox.created_at <= now() - %(park_after)s * interval '1 second'
        THEN now() + interval '15 minutes'
        WHEN failed.was_tried
        THEN now() + least(15 * 2.0 ^ least(outbox.attempts - 1, 10), 900)
                     * (0.5 + random() / 2) * interval '1 second'
        ELSE outbox.due_at
    END,
    parked_at = CASE
        WHEN outbox.created_at <= now() - %(park_after)s * interval '1 second' THEN now()
    END,
    last_error = failed.reason, lease_owner = NULL, leased_until = NULL
FROM unnest(%(command_ids)s::bigint[], %(reasons)s::text[], %(were_tried)s::boolean[])
    AS failed (command_id, reason, was_tried)
WHERE outbox.command_id = failed.command_id
  -- Who held the lease for too long may not end another's.
  AND outbox.lease_owner = %(owner)s::text
RETURNING outbox.parked_at IS NOT NULL AS is_parked
