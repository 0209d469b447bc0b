-- How far the migrations have run; asked once per connection, and by the health check.
SELECT coalesce(max(version), 0) FROM noetl_serverless.schema_version
