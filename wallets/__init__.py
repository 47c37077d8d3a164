"""Where people's money is: exchange accounts and their sealed keys."""
