"""What stands beside the timeline of a ticket."""
