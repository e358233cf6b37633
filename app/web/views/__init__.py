"""Pages of the shell: dashboard, outbox, operations, health."""
