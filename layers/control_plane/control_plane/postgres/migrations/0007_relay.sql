-- What the relay needs: see to it that workers hear of every command, and hear again of those that
-- none of them claims.

-- When the message of a row arrived. From then on the row waits for a sign of a worker; where it is
-- null, the message is still to be sent. Rows that a start acknowledges itself never get here.
ALTER TABLE noetl_serverless.outbox ADD COLUMN notified_at timestamptz;

-- Those that were given up, which are looked at now and then: a worker may have come after all.
CREATE INDEX outbox_parked ON noetl_serverless.outbox (due_at) WHERE parked_at IS NOT NULL;

-- Our starts in the order of their time, for the look at each of them once it is of age.
CREATE INDEX start_request_execution_id ON noetl_serverless.start_request (execution_id);

-- How far that look has come: one row.
CREATE TABLE noetl_serverless.relay (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    looked_until bigint NOT NULL  -- an execution id, which begins with a time
);

-- From now on. As noetl.snowflake_id() makes ids, which whoever migrates may not be allowed to draw.
INSERT INTO noetl_serverless.relay (looked_until)
SELECT (floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1704067200000) << 23;
