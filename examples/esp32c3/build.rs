//! The linker script of esp-hal, and what the device is told at build time.

fn main() {
    println!("cargo::rustc-link-arg-bins=-Tlinkall.x");
    for name in ["CORACLE_DEVICE", "CORACLE_WIFI_SSID", "CORACLE_WIFI_PASSWORD"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
}
