"""What the tests of the core share: a clock that only moves when everybody waits, transports, and small builders."""
