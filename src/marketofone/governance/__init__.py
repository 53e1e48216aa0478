"""Is it right? Guardrails and the review board's rules, as pure judgements over plain values."""
