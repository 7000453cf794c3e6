"""The local viewer: server-rendered pages over one store; it comes with the extra `server`."""
