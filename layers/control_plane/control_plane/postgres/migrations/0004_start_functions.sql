-- A start in two round trips: resolve_start reads, record_start writes. As functions, because their
-- statements are then planned once per connection, and because a large workload crosses the wire
-- once although it is stored five times.
--
-- While a release is deployed, the code before it still runs. So a function's parameters and
-- columns never change: a correction replaces its body (CREATE OR REPLACE in a new migration), and
-- whatever needs another signature becomes a function of its own, record_start_2, beside this one,
-- which is dropped a release later.

-- Tell what a key stands for; where it is unknown, find the playbook and draw four ids.
CREATE FUNCTION noetl_serverless.resolve_start(
    p_key        text,
    p_catalog_id bigint,      -- exactly this entry; where it is null,
    p_path       text,        -- the highest version of this path
    p_held       bigint,      -- an entry whose document the caller has already
    OUT fingerprint bytea,    -- set where the key is known; all that follows is null then
    OUT answer      jsonb,
    OUT ids         bigint[], -- four, ascending: the sequence turns over, so they are sorted
    OUT catalog_id  bigint,   -- null where there is no such entry
    OUT path        text,
    OUT version     smallint,
    OUT content     text,     -- the document: its text, else
    OUT payload     jsonb     -- the parsed one; both null where the caller has it
) LANGUAGE plpgsql AS $function$
BEGIN
    SELECT r.fingerprint, r.answer INTO fingerprint, answer
    FROM noetl_serverless.start_request r
    WHERE r.key = p_key AND r.expires_at > now();
    IF FOUND THEN
        RETURN;
    END IF;

    SELECT c.catalog_id, c.path, c.version,
           CASE WHEN c.catalog_id IS DISTINCT FROM p_held THEN nullif(c.content, '') END,
           CASE WHEN c.catalog_id IS DISTINCT FROM p_held AND nullif(c.content, '') IS NULL
                THEN c.payload END
    INTO catalog_id, path, version, content, payload
    FROM noetl.catalog c
    WHERE c.catalog_id = coalesce(p_catalog_id, (
        SELECT l.catalog_id FROM noetl.catalog l
        WHERE l.path = p_path
        ORDER BY l.version DESC
        LIMIT 1
    ));

    ids := ARRAY(SELECT noetl.snowflake_id() AS id FROM generate_series(1, 4) ORDER BY id);
END
$function$;

-- Record a start as a whole: the key, both events, the command and its notification. Where the key
-- is known, write nothing and tell what it stands for. Rows of the outbox whose message has
-- arrived since the last call go along.
CREATE FUNCTION noetl_serverless.record_start(
    p_key                 text,
    p_fingerprint         bytea,
    p_answer              jsonb,
    p_hold_days           integer,
    p_execution_id        bigint,
    p_started_event_id    bigint,
    p_issued_event_id     bigint,
    p_command_id          bigint,
    p_catalog_id          bigint,
    p_path                text,
    p_parent_execution_id bigint,
    p_workload            jsonb,  -- the playbook's, overridden by the payload
    p_step                text,
    p_tool_kind           text,
    p_tool_config         jsonb,
    p_args                jsonb,
    p_trace               jsonb,
    p_execution_pool      text,
    p_subject             text,   -- of the notification, as the next three
    p_message_id          text,   -- also the command's id in its events
    p_body                text,
    p_traceparent         text,
    p_acknowledged        bigint[],
    OUT execution_id bigint,      -- of the start that the key stands for, where it is known
    OUT fingerprint  bytea,
    OUT answer       jsonb
) LANGUAGE plpgsql AS $function$
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_utc     timestamp := v_now AT TIME ZONE 'UTC';
    v_context jsonb := jsonb_build_object(
        'tool_config', p_tool_config,
        'args', p_args,
        'render_context', p_workload || jsonb_build_object('workload', p_workload)
    );
    v_trace   jsonb := CASE WHEN p_trace IS NULL THEN '{}'
                            ELSE jsonb_build_object('trace', p_trace) END;
    v_pool    jsonb := CASE WHEN p_execution_pool IS NULL THEN '{}'
                            ELSE jsonb_build_object('execution_pool', p_execution_pool) END;
    v_meta    jsonb := jsonb_build_object(
        'command_id', p_message_id,
        'step', p_step,
        'tool_kind', p_tool_kind,
        'max_attempts', 3,
        'attempt', 1,
        'execution_id', p_execution_id::text,
        'catalog_id', p_catalog_id::text,
        'actionable', true
    ) || v_trace;
    v_command_id bigint;
BEGIN
    -- One by one: the plan of "= ANY" depends on the list and would be made anew for each.
    FOREACH v_command_id IN ARRAY p_acknowledged LOOP
        DELETE FROM noetl_serverless.outbox o
        WHERE o.command_id = (
            -- A row that the relay has locked is left to the relay: a start waits for nobody.
            SELECT i.command_id FROM noetl_serverless.outbox i
            WHERE i.command_id = v_command_id
            FOR UPDATE SKIP LOCKED
        );
    END LOOP;

    LOOP
        INSERT INTO noetl_serverless.start_request AS r
            (key, fingerprint, execution_id, answer, created_at, expires_at)
        VALUES (p_key, p_fingerprint, p_execution_id, p_answer, v_now,
                v_now + make_interval(days => p_hold_days))
        ON CONFLICT (key) DO UPDATE SET
            (fingerprint, execution_id, answer, created_at, expires_at)
            = ROW (EXCLUDED.fingerprint, EXCLUDED.execution_id, EXCLUDED.answer,
                   EXCLUDED.created_at, EXCLUDED.expires_at)
        WHERE r.expires_at <= v_now;
        EXIT WHEN FOUND;
        -- A statement of its own, since that one's snapshot may be older than the winner.
        SELECT r.execution_id, r.fingerprint, r.answer INTO execution_id, fingerprint, answer
        FROM noetl_serverless.start_request r
        WHERE r.key = p_key;
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;

    INSERT INTO noetl.event
        (execution_id, event_id, catalog_id, parent_execution_id, parent_event_id, created_at,
         event_type, node_id, node_name, node_type, status, context, meta)
    VALUES
        (p_execution_id, p_started_event_id, p_catalog_id, p_parent_execution_id, NULL, v_utc,
         'playbook_started', 'playbook', p_path, 'execution', 'STARTED',
         jsonb_build_object(
             'catalog_id', p_catalog_id::text,
             'execution_id', p_execution_id::text,
             'path', p_path,
             'workload', p_workload
         ),
         jsonb_build_object(
             'emitted_at', to_char(v_utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
             'emitter', 'control_plane'
         ) || v_trace || v_pool),
        -- Readers that order by time see the command after the start.
        (p_execution_id, p_issued_event_id, p_catalog_id, NULL, p_started_event_id,
         v_utc + interval '1 microsecond',
         'command.issued', p_step, p_step, p_tool_kind, 'PENDING', v_context, v_meta);

    INSERT INTO noetl.command
        (command_id, event_id, execution_id, catalog_id, step_name, tool_kind, status, attempt,
         context, meta, latest_event_id)
    VALUES
        (p_command_id, p_issued_event_id, p_execution_id, p_catalog_id, p_step, p_tool_kind,
         'PENDING', 1, v_context, v_meta, p_started_event_id);

    -- Due in a minute: by then the start's own publish has ended, one way or the other.
    INSERT INTO noetl_serverless.outbox
        (command_id, execution_id, subject, message_id, body, traceparent, created_at, due_at)
    VALUES
        (p_command_id, p_execution_id, p_subject, p_message_id, p_body, p_traceparent, v_now,
         v_now + interval '1 minute');
END
$function$;
