"""Help pages: public articles in both languages, edited by staff, with every version."""
