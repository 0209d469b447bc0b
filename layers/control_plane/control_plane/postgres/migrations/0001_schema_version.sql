-- What has been applied. The schema noetl_serverless is this project's own; the schema noetl
-- belongs to NoETL and is only completed where something of it is missing (0002).

CREATE SCHEMA IF NOT EXISTS noetl_serverless;

CREATE TABLE IF NOT EXISTS noetl_serverless.schema_version (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
