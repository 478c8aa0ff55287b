"""Service migrations: the list, the request, the page of one."""
