"""Who may do what, and who did: rules, tokens, the audit trail. No gRPC here; services/guard.py asks at the wire."""
