"""What a payment makes due: the tax documents that are issued elsewhere, by when, and their numbers."""
