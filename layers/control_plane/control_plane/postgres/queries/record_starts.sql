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
