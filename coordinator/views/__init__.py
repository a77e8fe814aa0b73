"""What users see, computed once; gRPC, command line and web only render it."""
