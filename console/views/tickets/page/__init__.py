"""The page of one ticket, a module for each part of it."""
