"""Where a job's bytes lie: durable files, parts, locks, scratch space.

The only package that syncs, renames and removes."""
