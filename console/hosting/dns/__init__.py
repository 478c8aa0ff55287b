"""DNS: the records of a domain's zone, its versions, and their publication to the name servers."""
