-- A page of executions, newest first, each with the event that decides its status. Of the log no
-- more is read than the page's executions; where a status is asked for, at most "most" starts.
-- A page ends at the first row with is_last, where reading ended early; the next one begins there.
WITH meant AS (
    -- The entries of the catalog that are asked for; of many, fewer executions each are looked at.
    SELECT catalog_id,
           CASE WHEN %(endings)s::text[] IS NULL THEN %(most)s::bigint
                ELSE greatest(%(most)s::bigint / count(*) OVER (), least(%(most)s::bigint, 100))
           END AS most
    FROM noetl.catalog
    WHERE (%(path)s::text IS NOT NULL OR %(catalog_id)s::bigint IS NOT NULL)
      AND (%(path)s::text IS NULL OR path = %(path)s::text)
      AND (%(catalog_id)s::bigint IS NULL OR catalog_id = %(catalog_id)s::bigint)
),
starts AS (
    -- Of every playbook, by an index in this order.
    (
        SELECT created_at, execution_id, event_id, catalog_id,
               row_number() OVER (ORDER BY created_at DESC, execution_id DESC)
                   = %(most)s::bigint AS is_last
        FROM noetl.event
        WHERE event_type IN ('playbook_started', 'playbook.initialized')
          AND %(path)s::text IS NULL AND %(catalog_id)s::bigint IS NULL
          AND (%(parent_execution_id)s::bigint IS NULL
               OR parent_execution_id = %(parent_execution_id)s::bigint)
          AND created_at > %(after)s::timestamp
          AND (created_at, execution_id) < (%(before)s::timestamp, %(before_id)s::bigint)
        ORDER BY created_at DESC, execution_id DESC
        LIMIT %(most)s::bigint
    )
    UNION ALL
    -- Of one entry after the other, each by an index in this order.
    SELECT of_one.*
    FROM meant CROSS JOIN LATERAL (
        SELECT created_at, execution_id, event_id, catalog_id,
               row_number() OVER (ORDER BY created_at DESC, execution_id DESC)
                   = meant.most AS is_last
        FROM noetl.event
        WHERE event_type IN ('playbook_started', 'playbook.initialized')
          AND catalog_id = meant.catalog_id
          AND (%(parent_execution_id)s::bigint IS NULL
               OR parent_execution_id = %(parent_execution_id)s::bigint)
          AND created_at > %(after)s::timestamp
          AND (created_at, execution_id) < (%(before)s::timestamp, %(before_id)s::bigint)
        ORDER BY created_at DESC, execution_id DESC
        LIMIT meant.most
    ) AS of_one
),
found AS (
    SELECT starts.*, ending.event_type AS ending, ending.created_at AS ended_at, verdict.matches,
           row_number() OVER (ORDER BY starts.created_at DESC, starts.execution_id DESC) AS place
    FROM starts
    LEFT JOIN LATERAL (
        SELECT event_type, created_at
        FROM noetl.event
        WHERE execution_id = starts.execution_id
          AND event_type IN ('playbook_completed', 'playbook.completed',
                             'playbook_failed', 'playbook.failed',
                             'playbook_cancelled', 'playbook.cancelled', 'execution.cancelled')
        ORDER BY event_id
        LIMIT 1
    ) AS ending ON true
    CROSS JOIN LATERAL (
        -- An empty text among the endings stands for none. An execution that began twice is the
        -- one that began first.
        SELECT (%(endings)s::text[] IS NULL
                OR coalesce(ending.event_type, '') = ANY (%(endings)s::text[]))
           AND NOT EXISTS (
                SELECT FROM noetl.event
                WHERE execution_id = starts.execution_id AND event_id < starts.event_id
                  AND event_type IN ('playbook_started', 'playbook.initialized')
           ) AS matches
    ) AS verdict
    WHERE verdict.matches OR starts.is_last
    ORDER BY starts.created_at DESC, starts.execution_id DESC
    LIMIT %(offset)s::bigint + %(rows)s::bigint
)
SELECT found.execution_id, found.catalog_id, catalog.path, found.created_at, found.ending,
       found.ended_at, found.matches, found.is_last,
       (SELECT count(*) FROM noetl.event WHERE execution_id = found.execution_id) AS event_count
FROM found
LEFT JOIN noetl.catalog USING (catalog_id)
WHERE found.place > %(offset)s::bigint OR found.is_last
ORDER BY found.created_at DESC, found.execution_id DESC
