"""Bank statements: read from the formats that banks give, imported once, their lines matched to pro-formas."""
