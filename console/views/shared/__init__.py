"""What pages share: the base classes, filters, paging, export, the menu."""
