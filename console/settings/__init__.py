"""Settings that are changed on pages, over the environment's defaults."""
