"""Opening hours, holidays, and arithmetic in working time."""
