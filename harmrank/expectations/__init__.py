"""What Great Expectations checks of an extract and of a build."""
