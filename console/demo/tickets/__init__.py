"""The ticket desk of the demo: what was asked and what came of it, told through the verbs."""
