-- resolve_start waits for no flush. A sequence writes to the log at every 32nd draw, that is at every
-- eighth start, and that transaction then waited for the disk like one that recorded something.
-- Nothing is lost without: whatever is recorded under the ids is flushed later, and the log up to it
-- along with it; and ids that nobody recorded may be forgotten, for they begin with their
-- millisecond. Measured: 95 of 100 calls within 0.27 ms instead of 0.51, 6 to 22 % off the mean.

CREATE OR REPLACE FUNCTION noetl_serverless.resolve_start(
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

    PERFORM set_config('synchronous_commit', 'off', true);  -- of this transaction only
    ids := ARRAY(SELECT noetl.snowflake_id() AS id FROM generate_series(1, 4) ORDER BY id);
END
$function$;
