-- Look at our next starts that are of age, each of them once, and tell of those of which the log has
-- no sign of a worker. Always a row: from where to where the look went, and whether there is more.
WITH bound AS MATERIALIZED (
    -- A fresh id tells the time that ids are made of. If that was set back since the last look, begin
    -- there: a start that is looked at twice does no harm, one that is never looked at does.
    SELECT looked_until, noetl.snowflake_id() - (%(age)s::bigint * 1000 << 23) AS horizon
    FROM noetl_serverless.relay
),
passed AS MATERIALIZED (
    SELECT execution_id
    FROM noetl_serverless.start_request
    WHERE execution_id > (SELECT least(looked_until, horizon) FROM bound)
      AND execution_id <= (SELECT horizon FROM bound)
    ORDER BY execution_id
    LIMIT %(most)s::bigint
),
reach AS (
    SELECT bound.looked_until,
           CASE WHEN count(*) < %(most)s::bigint THEN bound.horizon
                ELSE max(passed.execution_id) END AS until,
           count(*) = %(most)s::bigint AS has_more
    FROM bound LEFT JOIN passed ON true
    GROUP BY bound.looked_until, bound.horizon
),
unclaimed AS (
    SELECT execution_id
    FROM passed
    WHERE NOT EXISTS (
        SELECT FROM noetl.event
        WHERE event.execution_id = passed.execution_id
          AND event.event_type = ANY (%(signs)s::text[])
    )
)
SELECT reach.*, found.*
FROM reach
LEFT JOIN (
    SELECT command.id AS command_id, unclaimed.execution_id, issued.event_id,
           issued.node_name AS step, began.meta ->> 'execution_pool' AS execution_pool,
           coalesce(catalog.payload #>> '{metadata,path}',
                    CASE WHEN catalog.payload IS NULL THEN catalog.path END) AS playbook_path,
           began.meta #>> '{trace,traceparent}' AS traceparent
    FROM unclaimed
    CROSS JOIN LATERAL (
        SELECT catalog_id, meta
        FROM noetl.event
        WHERE execution_id = unclaimed.execution_id AND event_type = 'playbook_started'
        ORDER BY event_id
        LIMIT 1
    ) AS began
    CROSS JOIN LATERAL (
        SELECT event_id, node_name
        FROM noetl.event
        WHERE execution_id = unclaimed.execution_id AND event_type = 'command.issued'
        ORDER BY event_id
        LIMIT 1
    ) AS issued
    CROSS JOIN LATERAL (
        -- By way of text, which is what the column is on servers of some releases.
        SELECT command_id::text::bigint AS id
        FROM noetl.command
        WHERE execution_id = unclaimed.execution_id AND event_id = issued.event_id
        LIMIT 1
    ) AS command
    LEFT JOIN noetl.catalog USING (catalog_id)
) AS found ON true
