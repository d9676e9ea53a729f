"""Fault tests as users write them; docs/laboratory/pytest.md points here."""
