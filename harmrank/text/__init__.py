"""Words, numbers and pages: how a value becomes text that a person or a database reads."""
