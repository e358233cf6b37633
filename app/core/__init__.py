"""What every room needs: settings, database, jobs, registries, time, tokens, errors, logs."""
