"""DNS: what stands in the zone of a domain, its versions, and their way to the name servers."""
