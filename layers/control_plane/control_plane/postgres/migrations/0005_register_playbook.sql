-- Add an entry to the catalog under the next version of its path. Functions that register take
-- turns per path, so that fifty of them get fifty versions without a retry; a NoETL server takes
-- no such turn, and where it was faster the next version is tried.

CREATE FUNCTION noetl_serverless.register_playbook(
    p_path    text,
    p_kind    text,
    p_content text,
    p_payload jsonb,
    p_meta    jsonb,
    OUT catalog_id bigint,
    OUT version    smallint  -- both null where the path has no version left
) LANGUAGE plpgsql AS $function$
DECLARE
    v_version integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('noetl_serverless.catalog ' || p_path, 0));
    LOOP
        SELECT coalesce(max(c.version), 0) + 1 INTO v_version
        FROM noetl.catalog c
        WHERE c.path = p_path;
        EXIT WHEN v_version > 32767;  -- the end of smallint

        INSERT INTO noetl.catalog AS c
            (catalog_id, path, version, kind, content, payload, meta, created_at)
        VALUES
            (noetl.snowflake_id(), p_path, v_version, p_kind, p_content, p_payload, p_meta,
             clock_timestamp() AT TIME ZONE 'UTC')
        ON CONFLICT DO NOTHING
        RETURNING c.catalog_id, c.version INTO catalog_id, version;
        EXIT WHEN FOUND;
    END LOOP;
END
$function$;
