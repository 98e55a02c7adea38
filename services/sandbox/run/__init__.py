"""`make run`: everything on one machine. Whatever the environment does not name is simulated."""
