-- The first round trip of a start: the known request, or the catalog entry and four ids.
SELECT encode(fingerprint, 'hex'), answer, ids, catalog_id, path, version, content, payload
FROM noetl_serverless.resolve_start(
    p_key => %(key)s::text,
    p_catalog_id => %(catalog_id)s::bigint,
    p_path => %(path)s::text,
    p_held => %(held)s::bigint
)
