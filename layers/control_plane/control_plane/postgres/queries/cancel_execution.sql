-- Cancel an execution that runs and, where asked for, what runs among its descendants: append both
-- events and withdraw the notifications that still wait. Tells what the execution was before; no
-- row where the log has none of it.
WITH RECURSIVE family (execution_id) AS (
    SELECT %(execution_id)s::bigint
    -- Without ALL, so that an execution among its own ancestors is met once.
    UNION
    SELECT child.execution_id
    FROM family
    JOIN noetl.event AS child ON child.parent_execution_id = family.execution_id
    WHERE %(cascade)s::boolean
      AND child.event_type IN ('playbook_started', 'playbook.initialized')
),
member AS (
    SELECT family.execution_id, began.event_id, began.catalog_id, ending.event_type AS ending
    FROM family
    CROSS JOIN LATERAL (
        SELECT event_id, catalog_id
        FROM noetl.event
        WHERE execution_id = family.execution_id
        ORDER BY event_id
        LIMIT 1
    ) AS began
    LEFT JOIN LATERAL (
        SELECT event_type
        FROM noetl.event
        WHERE execution_id = family.execution_id
          AND event_type IN ('playbook_completed', 'playbook.completed',
                             'playbook_failed', 'playbook.failed',
                             'playbook_cancelled', 'playbook.cancelled', 'execution.cancelled')
        ORDER BY event_id
        LIMIT 1
    ) AS ending ON true
),
claimed AS (
    -- Of two cancels at once, one inserts and the other one waits for it and then does not. Both
    -- go by ascending id, so that they never wait for each other.
    INSERT INTO noetl_serverless.cancellation (execution_id)
    SELECT member.execution_id
    FROM member
    WHERE member.ending IS NULL
      AND NOT EXISTS (
          SELECT FROM member AS root
          WHERE root.execution_id = %(execution_id)s::bigint
            AND root.ending = ANY (%(refused)s::text[])
      )
    ORDER BY member.execution_id
    ON CONFLICT DO NOTHING
    RETURNING execution_id
),
appended AS (
    INSERT INTO noetl.event
        (execution_id, event_id, catalog_id, parent_event_id, created_at, event_type, node_id,
         node_name, node_type, status, context, result, meta)
    SELECT member.execution_id, drawn.ids[event.place], member.catalog_id, member.event_id,
           drawn.utc + event.place * interval '1 microsecond', event.type, 'playbook',
           catalog.path, 'execution', 'CANCELLED',
           jsonb_strip_nulls(jsonb_build_object('reason', %(reason)s::text)),
           jsonb_build_object(
               'status', 'CANCELLED',
               'context', jsonb_strip_nulls(jsonb_build_object('reason', %(reason)s::text))
           ),
           jsonb_build_object(
               'emitted_at', to_char(drawn.utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'emitter', 'control_plane'
           )
    FROM claimed
    JOIN member USING (execution_id)
    LEFT JOIN noetl.catalog USING (catalog_id)
    CROSS JOIN LATERAL (
        -- Of each execution: two ids, ascending, since the sequence inside them turns over.
        SELECT array_agg(id ORDER BY id) AS ids, clock_timestamp() AT TIME ZONE 'UTC' AS utc
        FROM (
            SELECT noetl.snowflake_id() AS id
            FROM generate_series(1, 2)
            WHERE claimed.execution_id IS NOT NULL
        ) AS fresh
    ) AS drawn
    -- Claims look for the second one.
    CROSS JOIN (VALUES (1, 'playbook_cancelled'), (2, 'execution.cancelled'))
        AS event (place, type)
),
withdrawn AS (
    DELETE FROM noetl_serverless.outbox
    USING claimed JOIN noetl.command USING (execution_id)
    WHERE outbox.command_id = command.command_id
),
forgotten AS (
    -- The log has long told of these.
    DELETE FROM noetl_serverless.cancellation
    WHERE execution_id IN (
        SELECT execution_id
        FROM noetl_serverless.cancellation
        WHERE cancelled_at < now() - interval '1 day'
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    )
)
SELECT member.ending, ARRAY (SELECT execution_id FROM claimed ORDER BY execution_id) AS cancelled
FROM member
WHERE member.execution_id = %(execution_id)s::bigint
