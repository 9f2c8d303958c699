//! What the shell of every function needs: configuration, clock, AWS clients, queues, logs.
