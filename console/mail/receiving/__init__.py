"""Receiving mail, without knowing what it is about: storing, reading, classifying it. ``tickets/mail_in`` goes on."""
