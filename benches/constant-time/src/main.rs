//! Secrets are handled in constant time: run under memcheck by `cargo xtask constant-time`.
//!
//! Keys are marked as undefined memory. From then on memcheck follows each bit that they have a part in, and reports every
//! branch and every address that depends on one (the method of ctgrind). What goes over the wire is marked as defined again.
//!
//! `checks` does all that the crate does with secrets, `leaks` what it must never do, to show that it would be seen. Each
//! prints its name and the errors in it.

mod ciphers;
mod curve;
mod forge;
mod handshakes;
mod leaks;
mod memcheck;
mod pair;
mod records;

use std::process::ExitCode;

/// Something that is done with secrets, and its name.
type Operation = (&'static str, fn());

fn run(operations: &[Operation]) {
    for (name, operation) in operations {
        let before = memcheck::errors();
        operation();
        println!("{name}: {}", memcheck::errors() - before);
    }
}

fn main() -> ExitCode {
    if !memcheck::is_running() {
        eprintln!("nobody looks on: this program runs under valgrind, by `cargo xtask constant-time`");
        return ExitCode::FAILURE;
    }
    let announced = coracle_crypto::internals::DECLASSIFY.set(memcheck::public);
    announced.expect("it is set once");
    if std::env::args().nth(1).as_deref() == Some("leaks") {
        run(leaks::OPERATIONS);
    } else {
        run(ciphers::OPERATIONS);
        run(records::OPERATIONS);
        run(curve::OPERATIONS);
        run(handshakes::OPERATIONS);
    }
    ExitCode::SUCCESS
}

/// What was computed from a secret is one itself: if it is not, the operation was not looked at. It is public afterwards.
#[track_caller]
fn publish(bytes: &mut [u8]) {
    assert!(memcheck::is_secret(bytes), "no secret has gone into this");
    memcheck::public(bytes);
}
