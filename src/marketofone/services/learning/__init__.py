"""What was heard becomes versions; what was learned from somebody who said no is learned anew."""
