"""Real servers as objects, their faults as methods. Started from installed binaries on free loopback ports."""
