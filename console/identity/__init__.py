"""Second factors of customers' people: one-time codes, passkeys, and what happens when a device is lost."""
