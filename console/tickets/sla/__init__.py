"""SLA targets: first response, next response and resolution, in working time."""
