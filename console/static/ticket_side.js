// The right column of a ticket and its dialogs.
