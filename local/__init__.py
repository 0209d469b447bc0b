"""The embedded stack: the whole product on one machine, without Docker and without root."""
