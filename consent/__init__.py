"""Topics, the permission ledger, sign-up, preferences, unsubscribing and suppression."""
