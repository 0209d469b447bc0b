-- One execution: what it was started with, and what ended it; no row where the log has none of it.
SELECT began.execution_id, began.catalog_id, catalog.path, began.created_at,
       ending.event_type AS ending, ending.created_at AS ended_at, ending.reason,
       (SELECT count(*) FROM noetl.event WHERE execution_id = began.execution_id) AS event_count,
       began.parent_execution_id, began.context -> 'workload' AS workload,
       began.meta ->> 'execution_pool' AS execution_pool
FROM (
    (
        SELECT execution_id, catalog_id, created_at, parent_execution_id, context, meta
        FROM noetl.event
        WHERE execution_id = %(execution_id)s::bigint
          AND event_type IN ('playbook_started', 'playbook.initialized')
        ORDER BY event_id
        LIMIT 1
    )
    -- Where no event tells of the start, the first one there is stands for it.
    UNION ALL
    (
        SELECT execution_id, catalog_id, created_at, parent_execution_id, NULL, NULL
        FROM noetl.event
        WHERE execution_id = %(execution_id)s::bigint
        ORDER BY event_id
        LIMIT 1
    )
    LIMIT 1
) AS began
LEFT JOIN noetl.catalog USING (catalog_id)
LEFT JOIN LATERAL (
    SELECT event_type, created_at, coalesce(error, context ->> 'reason') AS reason
    FROM noetl.event
    WHERE execution_id = began.execution_id
      AND event_type IN ('playbook_completed', 'playbook.completed',
                         'playbook_failed', 'playbook.failed',
                         'playbook_cancelled', 'playbook.cancelled', 'execution.cancelled')
    ORDER BY event_id
    LIMIT 1
) AS ending ON true
