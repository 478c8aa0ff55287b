"""The commands of ``console``, by group. What each needs is loaded when it runs: a start waits for none of it."""
