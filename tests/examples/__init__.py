"""The examples, as somebody runs them who tries them: real processes, real sockets."""
