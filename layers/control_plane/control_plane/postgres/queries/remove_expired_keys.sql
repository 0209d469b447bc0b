-- Remove some idempotency keys that have expired, oldest first, and nothing else. A start that is
-- still to be looked at keeps its key until then.
WITH expired AS (
    SELECT key
    FROM noetl_serverless.start_request
    WHERE expires_at <= now()
      AND execution_id <= (SELECT looked_until FROM noetl_serverless.relay)
    ORDER BY expires_at
    LIMIT %(most)s::bigint
    FOR UPDATE SKIP LOCKED
),
removed AS (
    DELETE FROM noetl_serverless.start_request
    USING expired
    WHERE start_request.key = expired.key
    RETURNING 1
)
SELECT count(*) FROM removed
