"""Licences per record: registry, rules, gate, audit."""
