--- cancel_execution
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
--- get_catalog_entry
-- One entry of the catalog: exactly this one, else the version of the path, else its highest one.
SELECT catalog_id, path, version, kind, content, layout, payload, meta, created_at
FROM noetl.catalog
WHERE (%(catalog_id)s::bigint IS NULL OR catalog_id = %(catalog_id)s::bigint)
  AND (%(catalog_id)s::bigint IS NOT NULL OR path = %(path)s::text)
  AND (%(catalog_id)s::bigint IS NOT NULL OR %(version)s::integer IS NULL
       OR version = %(version)s::integer)
ORDER BY version DESC
LIMIT 1
--- get_execution
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
--- list_catalog
-- Entries of the catalog, newest first, as many as fit; "found" is how many there were up to the
-- limit. An entry that is too large by itself comes as its text alone.
WITH page AS (
    SELECT catalog_id, size.bytes,
           row_number() OVER newest_first AS place,
           sum(size.bytes) OVER newest_first AS bytes_until
    FROM noetl.catalog
    CROSS JOIN LATERAL (
        SELECT 500 + coalesce(octet_length(content), 0) + coalesce(octet_length(layout::text), 0)
            + coalesce(octet_length(payload::text), 0) + coalesce(octet_length(meta::text), 0)
            AS bytes
    ) AS size
    WHERE (%(kind)s::text IS NULL OR lower(kind) = %(kind)s::text)
      AND (%(below)s::bigint IS NULL OR catalog_id < %(below)s::bigint)
    WINDOW newest_first AS (ORDER BY catalog_id DESC)
    ORDER BY catalog_id DESC
    LIMIT %(rows)s::bigint
)
SELECT catalog_id, catalog.path, catalog.version, catalog.kind, catalog.content,
       CASE WHEN page.bytes <= %(most_bytes)s::bigint THEN catalog.layout END AS layout,
       CASE WHEN page.bytes <= %(most_bytes)s::bigint THEN catalog.payload END AS payload,
       catalog.meta, catalog.created_at,
       (SELECT count(*) FROM page) AS found
FROM page
JOIN noetl.catalog USING (catalog_id)
WHERE page.place = 1 OR page.bytes_until <= %(most_bytes)s::bigint
ORDER BY catalog_id DESC
--- list_events
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
--- list_executions
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
--- list_step_events
-- The newest event of one execution about each of its steps.
SELECT DISTINCT ON (node_name) event_id, event_type, node_name, status
FROM noetl.event
WHERE execution_id = %(execution_id)s::bigint
  AND event_type = ANY (%(event_types)s::text[])
  AND node_name IS NOT NULL
ORDER BY node_name, event_id DESC
--- record_start
-- The second round trip of a start: all of its rows, or what its key stands for already.
SELECT execution_id, fingerprint, answer
FROM noetl_serverless.record_start(
    p_key => %(key)s::text,
    p_fingerprint => %(fingerprint)s::bytea,
    p_answer => %(answer)s::jsonb,
    p_hold_days => %(hold_days)s::integer,
    p_execution_id => %(execution_id)s::bigint,
    p_started_event_id => %(started_event_id)s::bigint,
    p_issued_event_id => %(issued_event_id)s::bigint,
    p_command_id => %(command_id)s::bigint,
    p_catalog_id => %(catalog_id)s::bigint,
    p_path => %(path)s::text,
    p_parent_execution_id => %(parent_execution_id)s::bigint,
    p_workload => %(workload)s::jsonb,
    p_step => %(step)s::text,
    p_tool_kind => %(tool_kind)s::text,
    p_tool_config => %(tool_config)s::jsonb,
    p_args => %(args)s::jsonb,
    p_trace => %(trace)s::jsonb,
    p_execution_pool => %(execution_pool)s::text,
    p_subject => %(subject)s::text,
    p_message_id => %(message_id)s::text,
    p_body => %(body)s::text,
    p_traceparent => %(traceparent)s::text,
    p_acknowledged => %(acknowledged)s::bigint[]
)
--- record_starts
-- What record_start does, for many starts in one transaction: one after the other by their keys, so
-- that two batches never wait for each other, and of one key in their order.
SELECT recorded.execution_id, recorded.fingerprint, recorded.answer
FROM (
    SELECT *
    FROM unnest(
        %(key)s::text[],
        %(fingerprint)s::bytea[],
        %(answer)s::jsonb[],
        %(execution_id)s::bigint[],
        %(started_event_id)s::bigint[],
        %(issued_event_id)s::bigint[],
        %(command_id)s::bigint[],
        %(catalog_id)s::bigint[],
        %(path)s::text[],
        %(parent_execution_id)s::bigint[],
        %(workload)s::jsonb[],
        %(step)s::text[],
        %(tool_kind)s::text[],
        %(tool_config)s::jsonb[],
        %(args)s::jsonb[],
        %(trace)s::jsonb[],
        %(execution_pool)s::text[],
        %(subject)s::text[],
        %(message_id)s::text[],
        %(body)s::text[],
        %(traceparent)s::text[]
    ) WITH ORDINALITY AS given (
        key, fingerprint, answer, execution_id, started_event_id, issued_event_id, command_id,
        catalog_id, path, parent_execution_id, workload, step, tool_kind, tool_config, args, trace,
        execution_pool, subject, message_id, body, traceparent, place
    )
    ORDER BY key COLLATE "C", place
) AS start
CROSS JOIN LATERAL noetl_serverless.record_start(
    p_key => start.key,
    p_fingerprint => start.fingerprint,
    p_answer => start.answer,
    p_hold_days => %(hold_days)s::integer,
    p_execution_id => start.execution_id,
    p_started_event_id => start.started_event_id,
    p_issued_event_id => start.issued_event_id,
    p_command_id => start.command_id,
    p_catalog_id => start.catalog_id,
    p_path => start.path,
    p_parent_execution_id => start.parent_execution_id,
    p_workload => start.workload,
    p_step => start.step,
    p_tool_kind => start.tool_kind,
    p_tool_config => start.tool_config,
    p_args => start.args,
    p_trace => start.trace,
    p_execution_pool => start.execution_pool,
    p_subject => start.subject,
    p_message_id => start.message_id,
    p_body => start.body,
    p_traceparent => start.traceparent,
    p_acknowledged => CASE WHEN start.place = 1 THEN %(acknowledged)s::bigint[] ELSE '{}' END
) AS recorded
ORDER BY start.place
--- register_playbook
-- Add a catalog entry under the next version of its path; nulls where none is left.
SELECT catalog_id, version
FROM noetl_serverless.register_playbook(
    p_path => %(path)s::text,
    p_kind => %(kind)s::text,
    p_content => %(content)s::text,
    p_payload => %(payload)s::jsonb,
    p_meta => %(meta)s::jsonb
)
--- resolve_start
-- The first round trip of a start: the known request, or the catalog entry and four ids.
SELECT fingerprint, answer, ids, catalog_id, path, version, content, payload
FROM noetl_serverless.resolve_start(
    p_key => %(key)s::text,
    p_catalog_id => %(catalog_id)s::bigint,
    p_path => %(path)s::text,
    p_held => %(held)s::bigint
)
--- resolve_starts
-- What resolve_start tells, for many starts at once and in their order. Each document is sent once,
-- with the first start that needs it, and the answer ends before the documents become too large.
WITH asked AS (
    SELECT place, key, coalesce(catalog_id, newest.id) AS catalog_id, held
    FROM unnest(
        %(keys)s::text[], %(catalog_ids)s::bigint[], %(paths)s::text[], %(held)s::bigint[]
    ) WITH ORDINALITY AS given (key, catalog_id, path, held, place)
    LEFT JOIN LATERAL (
        SELECT entry.catalog_id AS id
        FROM noetl.catalog AS entry
        WHERE given.catalog_id IS NULL AND entry.path = given.path
        ORDER BY entry.version DESC
        LIMIT 1
    ) AS newest ON true
),
found AS MATERIALIZED (
    SELECT asked.place, asked.held, start.fingerprint, start.answer, start.ids, start.catalog_id,
           start.path, start.version,
           row_number() OVER (
               PARTITION BY start.catalog_id, start.catalog_id IS NOT DISTINCT FROM asked.held
               ORDER BY asked.place
           ) = 1 AS is_first
    FROM asked
    CROSS JOIN LATERAL noetl_serverless.resolve_start(
        p_key => asked.key,
        p_catalog_id => asked.catalog_id,
        p_path => NULL,
        p_held => asked.catalog_id
    ) AS start
),
sized AS (
    SELECT found.*, needs.document,
           count(*) FILTER (WHERE needs.document) OVER by_place AS documents_until,
           sum(size.bytes) OVER by_place AS bytes_until
    FROM found
    CROSS JOIN LATERAL (
        SELECT found.is_first AND found.catalog_id IS DISTINCT FROM found.held AS document
    ) AS needs
    LEFT JOIN LATERAL (
        SELECT coalesce(octet_length(nullif(content, '')), octet_length(payload::text)) AS bytes
        FROM noetl.catalog
        WHERE needs.document AND catalog.catalog_id = found.catalog_id
    ) AS size ON true
    WINDOW by_place AS (ORDER BY found.place)
)
SELECT sized.fingerprint, sized.answer, sized.ids, sized.catalog_id, sized.path, sized.version,
       nullif(catalog.content, '') AS content,
       CASE WHEN nullif(catalog.content, '') IS NULL THEN catalog.payload END AS payload
FROM sized
LEFT JOIN noetl.catalog ON sized.document AND catalog.catalog_id = sized.catalog_id
WHERE sized.documents_until <= 1 OR sized.bytes_until <= %(most_bytes)s::bigint
ORDER BY sized.place
--- schema_version
-- How far the migrations have run; asked once per connection, and by the health check.
SELECT coalesce(max(version), 0) FROM noetl_serverless.schema_version
