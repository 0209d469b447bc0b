-- The rows of a start by the fastest single statement that we know: a function, whose statements are
-- planned once per connection. Interleaved with it on one connection, the same rows by one statement
-- with common table expressions, planned each time, took about half as long again. Preparing that
-- one would be faster still, but RDS Proxy pins a connection that prepares.
CREATE SCHEMA bench;

CREATE FUNCTION bench.record(
    p_id         bigint,
    p_catalog_id bigint,
    p_path       text,
    p_workload   jsonb,
    p_tool       jsonb,
    p_key        text,
    p_message_id text,
    p_body       text
) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    v_context jsonb := jsonb_build_object(
        'tool_config', p_tool,
        'args', '{}'::jsonb,
        'render_context', p_workload || jsonb_build_object('workload', p_workload)
    );
    v_meta    jsonb := jsonb_build_object(
        'command_id', p_message_id,
        'step', 'start',
        'tool_kind', 'python',
        'max_attempts', 3,
        'attempt', 1,
        'execution_id', p_id::text,
        'catalog_id', p_catalog_id::text,
        'actionable', true
    );
BEGIN
    INSERT INTO noetl_serverless.start_request
        (key, fingerprint, execution_id, answer, created_at, expires_at)
    VALUES (p_key, '\x00', p_id, '{}', now(), now() + interval '14 days');

    INSERT INTO noetl.event
        (execution_id, event_id, catalog_id, parent_event_id, created_at, event_type, node_id,
         node_name, node_type, status, context, meta)
    VALUES
        (p_id, p_id + 1, p_catalog_id, NULL, now(), 'playbook_started', 'playbook', p_path,
         'execution', 'STARTED',
         jsonb_build_object(
             'catalog_id', p_catalog_id::text,
             'execution_id', p_id::text,
             'path', p_path,
             'workload', p_workload
         ),
         '{"emitter": "control_plane"}'),
        (p_id, p_id + 2, p_catalog_id, p_id + 1, now(), 'command.issued', 'start', 'start',
         'python', 'PENDING', v_context, v_meta);

    INSERT INTO noetl.command
        (command_id, event_id, execution_id, catalog_id, step_name, tool_kind, status, attempt,
         context, meta, latest_event_id)
    VALUES
        (p_id + 3, p_id + 2, p_id, p_catalog_id, 'start', 'python', 'PENDING', 1, v_context,
         v_meta, p_id + 1);

    INSERT INTO noetl_serverless.outbox
        (command_id, execution_id, subject, message_id, body, created_at, due_at)
    VALUES
        (p_id + 3, p_id, 'noetl.commands.shared.' || p_id, p_message_id, p_body, now(),
         now() + interval '1 minute');
END
$function$;

GRANT USAGE ON SCHEMA bench TO PUBLIC;
