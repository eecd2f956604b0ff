//! Nothing: the cases in `object` and `objects` are programs of their own, which `ui.rs` compiles.
