"""From a message that was stored to a ticket: which ticket, who may write there, what waits for an agent."""
