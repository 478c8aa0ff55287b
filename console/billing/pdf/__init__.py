"""Documents that people can hold: pro-forma, storno, account statement and record of a migration, as PDF."""
