"""What is done with received mail: received, delivered, decided about; who takes part in a ticket by mail."""
