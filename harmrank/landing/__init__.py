"""From an extract folder to the raw tables of the warehouse."""
