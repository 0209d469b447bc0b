-- These messages have arrived. Their rows wait for a sign of a worker, longer each time.
UPDATE noetl_serverless.outbox
SET notified_at = now(),
    due_at = now() + least(%(renotify_after)s * 2.0 ^ outbox.renotifications,
                           greatest(%(renotify_after)s, 3600)) * interval '1 second',
    attempts = 0, last_error = NULL, parked_at = NULL, lease_owner = NULL, leased_until = NULL
FROM unnest(%(command_ids)s::bigint[], %(renotifications)s::integer[])
    AS arrived (command_id, renotifications)
WHERE outbox.command_id = arrived.command_id
  -- Who held the lease for too long may speak of an earlier message.
  AND outbox.renotifications = arrived.renotifications
RETURNING outbox.command_id
