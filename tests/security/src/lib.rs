//! Nothing but tests: see `tests/facade`.
