//! The drivers: what they do when there is nothing to do, and what happens when they are stopped in the middle.

mod cancelled;
mod clock;
mod idle;
mod stack;
