"""Who is it? One customer folded from admitted events, and which identities are one person."""
