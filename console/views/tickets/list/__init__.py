"""The ticket list, a module for each part of it."""
