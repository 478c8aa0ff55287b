"""Documents that a person makes: a pro-forma by hand, a corrected copy, one from a quote."""
