"""The addresses of OpenID Connect, and the pages that people see of it."""
