-- Notifications that were given up, the first one first.
SELECT execution_id, message_id, parked_at, renotifications, notified_at IS NOT NULL AS has_arrived,
       last_error
FROM noetl_serverless.outbox
WHERE parked_at IS NOT NULL
ORDER BY parked_at, command_id
LIMIT %(most)s::bigint
