"""Where the secrets of targets are: the environment, files, Vault and OpenBao, AWS, encrypted in the store."""
