-- The first round trip of a start: the known request, or the catalog entry and four ids.
-- As one value: a function in FROM, with columns picked from it, takes longer to plan and to run.
SELECT to_json(noetl_serverless.resolve_start(
    p_key => %(key)s::text,
    p_catalog_id => %(catalog_id)s::bigint,
    p_path => %(path)s::text,
    p_held => %(held)s::bigint
))
