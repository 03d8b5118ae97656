"""The whole program from outside: real `daypass serve`, real PostgreSQL servers, real clients."""
