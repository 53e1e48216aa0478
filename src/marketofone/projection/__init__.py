"""What do the journals say? One codec, one reducer, and the snapshots that are folded from them, live or replayed."""
