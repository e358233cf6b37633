"""The customer base: contacts, addresses, the field dictionary, imports, exports, profile and timeline."""
