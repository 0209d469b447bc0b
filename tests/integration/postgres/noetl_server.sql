-- A database as NoETL servers leave it, in what matters here: another shape in places, tables of
-- their own, a trigger on events, and rows.
CREATE SCHEMA noetl;

CREATE TABLE noetl.resource (name varchar PRIMARY KEY, meta jsonb);

CREATE TABLE noetl.catalog (
    catalog_id bigint PRIMARY KEY,
    path text NOT NULL,
    version smallserial NOT NULL,
    kind varchar NOT NULL REFERENCES noetl.resource (name),
    content text,
    layout jsonb,
    payload jsonb,
    meta jsonb,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    credential_id integer,
    UNIQUE (path, version)
);

CREATE SEQUENCE noetl.snowflake_seq START 77;
CREATE FUNCTION noetl.snowflake_id() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000) << 23)
           | (1 << 18) | (nextval('noetl.snowflake_seq') % 1024);
END
$$;
ALTER TABLE noetl.catalog ALTER COLUMN catalog_id SET DEFAULT noetl.snowflake_id();

CREATE TABLE noetl.event (
    execution_id bigint,
    catalog_id bigint NOT NULL REFERENCES noetl.catalog (catalog_id),
    event_id bigint,
    parent_event_id bigint,
    parent_execution_id bigint,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    event_type varchar,
    node_id varchar,
    node_name varchar,
    node_type varchar,
    status varchar,
    duration double precision,
    context jsonb,
    result jsonb,
    meta jsonb,
    error text,
    current_index integer,
    current_item text,
    worker_id varchar,
    stage_id bigint,
    PRIMARY KEY (execution_id, event_id)
) PARTITION BY RANGE (execution_id);
CREATE TABLE noetl.event_old PARTITION OF noetl.event FOR VALUES FROM (MINVALUE) TO (1000000);
CREATE TABLE noetl.event_rest PARTITION OF noetl.event DEFAULT;
CREATE INDEX idx_event_type ON noetl.event (event_type);

CREATE TABLE noetl.command (
    command_id text NOT NULL,
    event_id bigint NOT NULL,
    execution_id bigint NOT NULL,
    catalog_id bigint NOT NULL,
    step_name text NOT NULL,
    tool_kind text,
    status text NOT NULL DEFAULT 'PENDING',
    attempt integer NOT NULL DEFAULT 1,
    context jsonb,
    meta jsonb,
    latest_event_id bigint,
    frame_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, command_id)
);

CREATE TABLE noetl.outbox (
    outbox_id bigserial PRIMARY KEY,
    execution_id bigint,
    event_id bigint NOT NULL,
    subject text,
    payload jsonb NOT NULL,
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'IN_FLIGHT')),
    UNIQUE (execution_id, event_id)
);
CREATE FUNCTION noetl.event_to_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noetl.outbox (execution_id, event_id, subject, payload)
    VALUES (NEW.execution_id, NEW.event_id, 'noetl.events.' || NEW.event_type, to_jsonb(NEW))
    ON CONFLICT (execution_id, event_id) DO NOTHING;
    RETURN NEW;
END
$$;
CREATE TRIGGER trg_event_to_outbox AFTER INSERT ON noetl.event
    FOR EACH ROW EXECUTE FUNCTION noetl.event_to_outbox();

INSERT INTO noetl.resource VALUES ('playbook', '{"executable": true}'), ('dataset', NULL);
INSERT INTO noetl.catalog (catalog_id, path, version, kind, content)
VALUES (4, 'examples/hello', 1, 'playbook', 'kind: Playbook');
INSERT INTO noetl.event (execution_id, catalog_id, event_id, event_type, meta)
VALUES (5, 4, 6, 'playbook_started', '{}'), (2000000, 4, 7, 'playbook_started', '{}');
INSERT INTO noetl.command (command_id, event_id, execution_id, catalog_id, step_name)
VALUES ('5:start:6', 6, 5, 4, 'start');
