-- The tables of NoETL that a start is recorded in, for a database that no NoETL server has made
-- yet. What is there already is left as it is: no column, default, function or row is touched, and
-- a NoETL server that comes later completes the rest by its own scripts.
-- No index beyond the keys: nothing that this project asks needs one.

CREATE SCHEMA IF NOT EXISTS noetl;

CREATE SEQUENCE IF NOT EXISTS noetl.snowflake_seq;

DO $migration$
BEGIN
    IF to_regprocedure('noetl.snowflake_id()') IS NULL THEN
        -- Milliseconds since 2024-01-01 UTC, 5 bits of shard (1), then the sequence modulo 1,024:
        -- unique as long as no more than 1,024 ids are drawn within a millisecond.
        CREATE FUNCTION noetl.snowflake_id() RETURNS bigint LANGUAGE sql VOLATILE AS $function$
            SELECT ((floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000) << 23)
                   | (1::bigint << 18)
                   | (nextval('noetl.snowflake_seq') % 1024)
        $function$;
    END IF;
END
$migration$;

CREATE TABLE IF NOT EXISTS noetl.resource (
    name varchar PRIMARY KEY,
    meta jsonb
);

INSERT INTO noetl.resource (name)
VALUES ('playbook'), ('credential'), ('mcp'), ('agent'), ('memory')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS noetl.catalog (
    catalog_id bigint PRIMARY KEY DEFAULT noetl.snowflake_id(),
    path       text NOT NULL,
    version    smallint NOT NULL,
    kind       varchar NOT NULL REFERENCES noetl.resource (name),
    content    text,
    layout     jsonb,
    payload    jsonb,
    meta       jsonb,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (path, version)
);

DO $migration$
BEGIN
    IF to_regclass('noetl.event') IS NULL THEN
        CREATE TABLE noetl.event (
            execution_id        bigint,
            catalog_id          bigint NOT NULL REFERENCES noetl.catalog (catalog_id),
            event_id            bigint,
            parent_event_id     bigint,
            parent_execution_id bigint,
            created_at          timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
            event_type          varchar,
            node_id             varchar,
            node_name           varchar,
            node_type           varchar,
            status              varchar,
            duration            double precision,
            context             jsonb,
            result              jsonb,
            meta                jsonb,
            error               text,
            current_index       integer,
            current_item        text,
            worker_id           varchar,
            distributed_state   varchar,
            context_key         varchar,
            context_value       text,
            trace_component     jsonb,
            stack_trace         text,
            PRIMARY KEY (execution_id, event_id),
            CONSTRAINT chk_event_result_shape CHECK (
                result IS NULL
                OR coalesce(
                    jsonb_typeof(result) = 'object'
                    AND jsonb_typeof(result -> 'status') = 'string'
                    AND coalesce(jsonb_typeof(result -> 'reference'), 'object') = 'object'
                    AND coalesce(jsonb_typeof(result -> 'context'), 'object') = 'object'
                    AND result - ARRAY['status', 'reference', 'context'] = '{}',
                    false
                )
            )
        ) PARTITION BY RANGE (execution_id);
        -- Ids are times, so ranges of them can be split off later; until then all rows live here.
        CREATE TABLE noetl.event_default PARTITION OF noetl.event DEFAULT;
    END IF;

    IF to_regclass('noetl.command') IS NULL THEN
        CREATE TABLE noetl.command (
            command_id          bigint NOT NULL,
            event_id            bigint NOT NULL,
            execution_id        bigint NOT NULL,
            catalog_id          bigint NOT NULL,
            parent_execution_id bigint,
            parent_command_id   bigint,
            step_name           text NOT NULL,
            tool_kind           text,
            status              text NOT NULL DEFAULT 'PENDING',
            worker_id           text,
            claimed_at          timestamptz,
            started_at          timestamptz,
            completed_at        timestamptz,
            attempt             integer NOT NULL DEFAULT 1,
            context             jsonb,
            context_key         text,
            loop_event_id       text,
            iter_index          integer,
            meta                jsonb,
            result              jsonb,
            error               text,
            latest_event_id     bigint,
            created_at          timestamptz NOT NULL DEFAULT now(),
            updated_at          timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (execution_id, command_id)
        ) PARTITION BY HASH (execution_id);
        FOR remainder IN 0..15 LOOP
            EXECUTE format(
                'CREATE TABLE noetl.command_p%s PARTITION OF noetl.command'
                ' FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                lpad(remainder::text, 2, '0'), remainder
            );
        END LOOP;
    END IF;
END
$migration$;
