"""Licenses per record: registry, rules, gate, audit."""
