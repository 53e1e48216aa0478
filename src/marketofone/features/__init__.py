"""What do we know? Features declared once, and one window core for live and replay."""
