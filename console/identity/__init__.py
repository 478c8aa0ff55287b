"""How a customer's person shows who they are besides the password: one-time codes, passkeys, a lost device."""
