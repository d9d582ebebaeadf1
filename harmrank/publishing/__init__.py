"""From a tested build to the published folder, and from there to PostgreSQL."""
