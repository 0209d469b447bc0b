-- Where two cancels of one execution meet: whoever inserts the row appends the events, whoever comes
-- second waits here until they are there. Afterwards the log tells, so rows are kept for a day.
CREATE TABLE noetl_serverless.cancellation (
    execution_id bigint PRIMARY KEY,
    cancelled_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX cancellation_cancelled_at ON noetl_serverless.cancellation (cancelled_at);
