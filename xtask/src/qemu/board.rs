//! The boards that the emulator has: a line here makes `cargo xtask qemu NAME`.

/// How a board's firmware is built and run.
pub(crate) struct Board {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// The folder of the firmware's workspace; its `.cargo/config.toml` applies.
    pub(crate) folder: &'static str,
    /// The program in that workspace.
    pub(crate) program: &'static str,
    /// The target that it is built for.
    pub(crate) target: &'static str,
    /// More arguments of `cargo build`.
    pub(crate) cargo: &'static [&'static str],
    /// Before `cargo build`: fetches sources that build scripts look for without network.
    pub(crate) fetch: bool,
    /// A Makefile in the folder builds it, and puts `program` into the folder `BUILD`.
    pub(crate) make: bool,
    /// What the device calls this machine: an address, or a name that it can look up.
    pub(crate) host: &'static str,
    /// It keeps its registration over the reboot at the end, and takes it up.
    pub(crate) keeps_registration: bool,
    /// The emulator, and its arguments but `-kernel`. The firmware has its own arguments by semihosting (`SYS_GET_CMDLINE`),
    /// prints to the first serial port, and ends by semihosting (`SYS_EXIT_EXTENDED`).
    pub(crate) emulator: &'static [&'static str],
    /// The packages whose lints are looked at, when they are more than the program.
    pub(crate) lint: &'static [&'static str],
    /// What the image may take.
    pub(crate) limits: Limits,
    /// The runs of `cargo xtask test`: over DTLS with a pre-shared key, or (false) over plain CoAP.
    pub(crate) runs: &'static [bool],
}

/// Bytes that an image may take.
pub(crate) struct Limits {
    pub(crate) flash: u64,
    /// Static RAM and the peak of the stack together.
    pub(crate) ram: u64,
}

/// The address that the emulator's network has for this machine.
const HOST: &str = "10.0.2.2";
/// A name for it, which only the firmware's own stack knows (`board/lwipopts.h`).
const HOST_NAME: &str = "leshan.example";

pub(crate) const BOARDS: &[Board] = &[
    Board {
        name: "embassy",
        what: "Embassy on lm3s6965evb: Cortex-M3, 256 KB of flash, 64 KB of RAM",
        folder: "examples/embassy",
        program: "coracle-embassy-device",
        target: "thumbv7m-none-eabi",
        cargo: &[],
        fetch: false,
        make: false,
        host: HOST,
        keeps_registration: false,
        emulator: &["qemu-system-arm", "-M", "lm3s6965evb", "-nic", "user,model=stellaris"],
        lint: &["coracle-embassy-device", "coracle-emulated"],
        limits: Limits { flash: 200_000, ram: 45_000 },
        runs: &[false, true],
    },
    Board {
        name: "freertos",
        what: "FreeRTOS and lwIP on mps2-an385: Cortex-M3, main in Rust",
        folder: "examples/freertos",
        program: "coracle-freertos-firmware",
        target: "thumbv7m-none-eabi",
        cargo: &[],
        fetch: true,
        make: false,
        host: HOST_NAME,
        keeps_registration: true,
        emulator: &["qemu-system-arm", "-M", "mps2-an385", "-nic", "user,model=lan9118"],
        lint: &[],
        limits: Limits { flash: 150_000, ram: 48_000 },
        runs: &[false, true],
    },
    Board {
        name: "freertos-c",
        what: "FreeRTOS and lwIP on mps2-an385: Cortex-M3, main in C",
        folder: "examples/freertos/c-main",
        program: "firmware.elf",
        target: "thumbv7m-none-eabi",
        cargo: &[],
        fetch: true,
        make: true,
        host: HOST_NAME,
        keeps_registration: true,
        emulator: &["qemu-system-arm", "-M", "mps2-an385", "-nic", "user,model=lan9118"],
        lint: &[],
        limits: Limits { flash: 150_000, ram: 48_000 },
        runs: &[true],
    },
    Board {
        name: "riscv",
        what: "Embassy on QEMU's virt board: riscv32imc, the instructions of the ESP32-C3",
        folder: "examples/riscv",
        program: "coracle-riscv-device",
        target: "riscv32imc-unknown-none-elf",
        cargo: &[],
        fetch: false,
        make: false,
        host: HOST,
        keeps_registration: false,
        emulator: &[
            "qemu-system-riscv32",
            "-M",
            "virt",
            "-bios",
            "none",
            "-netdev",
            "user,id=net0",
            "-device",
            "virtio-net-device,netdev=net0",
        ],
        // Most of it are the pages that virtio shares with the emulator.
        lint: &["coracle-riscv-device", "coracle-emulated"],
        limits: Limits { flash: 200_000, ram: 100_000 },
        runs: &[true],
    },
];
