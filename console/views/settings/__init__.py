"""Settings, section by section; chat settings and SLA targets have pages of their own."""
