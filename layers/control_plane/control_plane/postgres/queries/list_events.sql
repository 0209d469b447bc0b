-- Events of one execution by ascending id, as many as fit; "found" is how many there were up to the
-- limit. A result that is too large by itself comes without its context.
WITH page AS (
    SELECT event_id,
           row_number() OVER by_id AS place,
           sum(200 + coalesce(octet_length(result::text), 0) + coalesce(octet_length(error), 0))
               OVER by_id AS bytes
    FROM noetl.event
    WHERE execution_id = %(execution_id)s::bigint AND event_id > %(after)s::bigint
    WINDOW by_id AS (ORDER BY event_id)
    ORDER BY event_id
    LIMIT %(rows)s::bigint
)
SELECT event.event_id, event.event_type, event.node_name, event.status, event.created_at,
       CASE WHEN octet_length(event.result::text) > %(most_bytes)s::bigint
            THEN event.result - 'context' ELSE event.result END AS result,
       left(event.error, %(most_bytes)s::integer / 4) AS error,
       (SELECT count(*) FROM page) AS found
FROM page
JOIN noetl.event ON event.execution_id = %(execution_id)s::bigint
                AND event.event_id = page.event_id
WHERE page.place = 1 OR page.bytes <= %(most_bytes)s::bigint
ORDER BY event.event_id
