"""The types everything else speaks: records, origins, findings, verdicts, protocols, errors."""
