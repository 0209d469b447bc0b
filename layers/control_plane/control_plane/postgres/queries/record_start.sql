-- The second round trip of a start: all of its rows, or what its key stands for already.
SELECT execution_id, encode(fingerprint, 'hex'), answer
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
