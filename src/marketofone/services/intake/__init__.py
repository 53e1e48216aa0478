"""What arrives: parsed, judged, kept, understood; who is who, whose an account is, and what was kept aside."""
