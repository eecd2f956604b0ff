//! `cargo xtask qemu <board> [--psk]`: the demo device in an emulator, with Leshan as its server.

mod board;
mod emulator;
mod image;
mod proxy;
mod scenario;
mod screen;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::Outcome;
use board::{BOARDS, Board};
use emulator::Emulator;
use proxy::{OnLoss, Proxy};
use scenario::Scenario;
use screen::Screen;
use server::Server;

/// What did not hold.
type Fault = Box<dyn std::error::Error>;

/// Of the dice of the network. The device has dice of its own.
const SEED: u64 = 0x0063_6f72_6163_6c65;
const LIFETIME_S: u64 = 20;
const PSK_IDENTITY: &str = "emulated-device";
const PSK_KEY: [u8; 16] = *b"not-a-secret-key";
/// From the Execute to the exit code.
const END: Duration = Duration::from_mins(1);

/// What stands behind the command.
pub(crate) fn usage() -> String {
    let list = BOARDS.iter().map(|board| format!("\n  {:<10} {}", board.name, board.what));
    format!("<board> [--psk] [--trace], where <board> is one of{}", list.collect::<String>())
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|word| word.starts_with("--"));
    let board = match names[..] {
        [name] => BOARDS.iter().find(|board| board.name == name),
        _ => None,
    };
    let (Some(board), true) = (board, options.iter().all(|option| OPTIONS.contains(&option.as_str()))) else {
        return Err(format!("cargo xtask qemu {}", usage()).into());
    };
    let has = |name: &str| options.iter().any(|option| *option == name);
    run_board(board, &Way { secure: has("--psk"), trace: has("--trace") })
}

/// A step of `cargo xtask test`: these boards' firmware passes the shared lints, and the scenario holds.
pub(crate) fn check(names: &[&str]) -> Outcome {
    for board in BOARDS.iter().filter(|board| names.contains(&board.name)) {
        image::clippy(board)?;
        for secure in board.runs {
            run_board(board, &Way { secure: *secure, trace: false })?;
        }
    }
    Ok(())
}

/// How the scenario is run.
pub(crate) struct Way {
    /// Over DTLS with a pre-shared key, not over plain CoAP.
    pub(crate) secure: bool,
    /// Shows each CoAP message of the server and each lost datagram.
    pub(crate) trace: bool,
}

const OPTIONS: [&str; 2] = ["--psk", "--trace"];

/// Builds, runs the scenario, and says what held.
pub(crate) fn run_board(board: &Board, way: &Way) -> Outcome {
    let image = image::build(board)?;
    let screen = Arc::new(Screen::new());
    screen.both(board.what);
    let mut held = Vec::new();
    let result = run_image(board, &image, way, &screen, &mut held);
    println!("\n{} {}: what held", board.name, if way.secure { "with DTLS PSK" } else { "over plain CoAP" });
    held.iter().for_each(|what| println!("  holds      {what}"));
    if let Err(fault) = &result {
        println!("  DOES NOT   {fault}");
    }
    result
}

fn run_image(
    board: &Board,
    image: &Path,
    &Way { secure, trace }: &Way,
    screen: &Arc<Screen>,
    held: &mut Vec<String>,
) -> Outcome {
    let endpoint = format!("coracle-{}", board.name);
    let mut server = Server::start(screen, trace)?;
    if secure {
        server.leshan().add_psk(&endpoint, PSK_IDENTITY, &PSK_KEY)?;
    }
    let ports = server.leshan().ports();
    let port = if secure { ports.coaps } else { ports.coap };
    let told = Arc::clone(screen);
    let on_loss: OnLoss = Box::new(move |to, length| {
        if trace {
            told.server(format!("-- {length} bytes to {to} are lost"));
        }
    });
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SEED, on_loss)?;
    let arguments = firmware_arguments(board.host, &endpoint, proxy.port(), secure);
    let emulator = Emulator::start(board, image, &arguments, screen)?;
    let firmware = Firmware { emulator };
    let mut scenario = Scenario {
        endpoint: &endpoint,
        lifetime_s: LIFETIME_S,
        secure,
        keeps_registration: board.keeps_registration,
        screen,
        server,
        proxy,
        firmware,
        held: Vec::new(),
    };
    let result = scenario.run().and_then(|()| check_sizes(board, image, screen, &mut scenario.held));
    held.append(&mut scenario.held);
    result
}

/// What the firmware finds on its command line; `coracle_demo_app::Settings` reads it.
fn firmware_arguments(host: &str, endpoint: &str, port: u16, secure: bool) -> Vec<String> {
    let scheme = if secure { "coaps" } else { "coap" };
    let mut arguments = vec![
        format!("server={scheme}://{host}:{port}"),
        format!("endpoint={endpoint}"),
        format!("lifetime={LIFETIME_S}"),
        // Another one each time, or the server would take a new run's messages for repetitions of the last one's.
        format!("seed={}", std::process::id()),
    ];
    if secure {
        arguments.push(format!("psk-identity={PSK_IDENTITY}"));
        arguments.push(format!("psk-key={}", coracle_leshan_peer::hex::encode(&PSK_KEY)));
    }
    arguments
}

/// The firmware in its emulator.
pub(crate) struct Firmware {
    emulator: Emulator,
}

impl Firmware {
    /// Fails when it has ended.
    fn must_run(&mut self) -> Outcome {
        self.emulator.ended().map_or(Ok(()), |status| Err(format!("the firmware has ended: {status}").into()))
    }

    /// Waits for its end, and wants exit code 0.
    fn must_end(&mut self) -> Outcome {
        match self.emulator.wait(END) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("the firmware has ended with a failure: {status}").into()),
            None => Err(format!("the firmware has not ended after {} s", END.as_secs()).into()),
        }
    }
}

/// The image's sections, and what the firmware has said of its stack, against the board's limits.
fn check_sizes(board: &Board, image: &Path, screen: &Screen, held: &mut Vec<String>) -> Outcome {
    let said = screen
        .device_said("peak stack ")
        .ok_or("the firmware has not told its memory: `peak stack N B of M B, ..` is missing from its log")?;
    let number =
        said.split("peak stack ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let peak: u64 = number.ok_or_else(|| format!("this line has no peak of the stack: {said}"))?;
    let sizes = image::sizes(image)?;
    let text = format!(
        "flash {} B (at most {}), static RAM {} B and peak stack {peak} B (at most {} together)",
        sizes.flash, board.limits.flash, sizes.ram, board.limits.ram
    );
    if sizes.flash > board.limits.flash || sizes.ram + peak > board.limits.ram {
        return Err(text.into());
    }
    held.push(text);
    Ok(())
}
