"""Help for tests: private servers, a browser, counting queries."""
