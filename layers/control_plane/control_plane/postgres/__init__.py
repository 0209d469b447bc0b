"""The store on PostgreSQL: its connection, its SQL in files, its schema.

Start reading at ``executions.py`` and the two functions of ``migrations/0004_start_functions.sql``
that it calls; nothing outside this package knows SQL or the driver.
"""
