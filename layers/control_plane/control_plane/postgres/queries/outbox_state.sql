-- How many notifications wait that should have been sent, since when the longest has waited, and how
-- many were given up. Counts no further than to a bound; the longest wait is of those counted.
SELECT waiting.depth, waiting.age, parked.number
FROM (
    SELECT count(*) AS depth,
           coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision AS age
    FROM (
        SELECT created_at
        FROM noetl_serverless.outbox
        WHERE parked_at IS NULL AND notified_at IS NULL AND (due_at <= now() OR attempts > 0)
        LIMIT %(most)s::bigint
    ) AS counted
) AS waiting
CROSS JOIN (
    SELECT count(*) AS number
    FROM (
        SELECT FROM noetl_serverless.outbox WHERE parked_at IS NOT NULL LIMIT %(most)s::bigint
    ) AS counted
) AS parked
