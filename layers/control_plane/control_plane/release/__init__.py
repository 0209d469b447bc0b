"""Releases: what a new version must show before traffic reaches it.

`dry_run` is the new version's part, a start that leaves nothing behind; `pre_traffic` asks for it
and tells CodeDeploy.
"""

CANARY_PATH = "system/canary"
"""A path that needs no entry in the catalog: in a dry run it is the playbook of this release."""
