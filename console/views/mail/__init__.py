"""The outbox, and previews of the mail templates."""
