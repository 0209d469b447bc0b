-- The two tables behind "exactly once, never stranded". Both get their row in the statement that
-- records a start, so there is no start without them and no row of them without a start.

-- One row per idempotency key: what was asked (its fingerprint) and what was answered. The key's
-- collation is C: compared bytewise, and no upgrade of the operating system reorders the index.
CREATE TABLE noetl_serverless.start_request (
    key          text COLLATE "C" PRIMARY KEY,
    fingerprint  bytea NOT NULL,
    execution_id bigint NOT NULL,
    answer       jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);

-- For the removal of expired keys in small steps, oldest first.
CREATE INDEX start_request_expires_at ON noetl_serverless.start_request (expires_at);

-- One row per notification that is not known to have arrived. It holds the message as it was or
-- will be published, so the relay needs nothing else. Who works on a row holds a lease that ends
-- by itself; nobody marks a row as "in flight".
CREATE TABLE noetl_serverless.outbox (
    command_id      bigint PRIMARY KEY,
    execution_id    bigint NOT NULL,
    subject         text NOT NULL,
    message_id      text NOT NULL,
    body            text NOT NULL,
    traceparent     text,
    created_at      timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    lease_owner     text,
    leased_until    timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    parked_at       timestamptz,
    -- How often the command was announced anew because no worker claimed it; each time is a
    -- message of its own, {message_id}:{n}.
    renotifications integer NOT NULL DEFAULT 0
)
-- Rows come and go with every start: vacuum by their number, however small the table is.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- What the relay asks for. Leases stay out of the index, so taking one does not touch it.
CREATE INDEX outbox_due ON noetl_serverless.outbox (due_at) WHERE parked_at IS NULL;
