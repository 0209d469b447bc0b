-- Add a catalog entry under the next version of its path; nulls where none is left.
SELECT catalog_id, version
FROM noetl_serverless.register_playbook(
    p_path => %(path)s::text,
    p_kind => %(kind)s::text,
    p_content => %(content)s::text,
    p_payload => %(payload)s::jsonb,
    p_meta => %(meta)s::jsonb
)
