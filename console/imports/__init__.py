"""Import of customers, services and pro-formas from CSV files."""
