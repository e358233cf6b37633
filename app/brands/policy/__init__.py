"""Pure decisions about brands."""
