"""HR's files, read: untidy ones are understood, wrong ones refused with the line and the column at fault."""
