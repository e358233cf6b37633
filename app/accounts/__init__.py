"""Staff users, their roles, sign-in and the audit trail."""
