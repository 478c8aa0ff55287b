"""Automatic billing: renewals ahead of time, reminders, expiry, and requests to suspend what is not paid."""
