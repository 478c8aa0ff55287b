"""Mail that goes out about tickets."""
