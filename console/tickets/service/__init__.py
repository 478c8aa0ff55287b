"""Verbs of a ticket, a module for each use case.

account: what an account's people do with its tickets in Moj Mint.
attachments: upload, check and remove files.
drafts: save drafts, and what has been read.
handover: pass running tickets on to an account's new owner.
linking: link related tickets, continue a closed one in a follow-up.
mentions: find the colleagues a note mentions.
merging: merge tickets, and undo it.
messages: reply, write a note, take a reply back.
opening: open a ticket.
properties: set assignee, status, priority, department, subject, language, account, tags and watchers.
property_forms: set one property from the text of a form, if it has not changed meanwhile.
questions: store a message of the requester.
ratings: store the requester's rating.
requester: what the requester sees and does behind their link.
saved_views: save, change and remove views of the list.
splitting: move messages into a ticket of their own.
stored_masking: mask numbers that look like a PIN, before and after a message is stored.
tags: clean the spelling of tags.
threads: find the ticket that a requester's message belongs to.
timeline: append entries, keep preview and search index.
verification: verify the requester of a ticket.
web_form: open a ticket from the form of the public site.
"""
