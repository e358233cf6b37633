"""Signing in, own account, staff and audit trail; and the guard that every view stands behind."""
