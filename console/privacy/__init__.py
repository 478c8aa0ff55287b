"""People's data across the domains: how long each kind is stored, copies for those it is about, erasure."""
