"""Quality reviews of tickets, and ratings."""
