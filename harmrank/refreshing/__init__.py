"""The main job: land, build, test, publish, and what a scheduler needs around it."""
