//! Several profiles in one crate: each file becomes a module of its own.

fn main() {
    coracle_config::profiles(&["profiles/hardware.toml", "profiles/normal.toml", "profiles/short.toml"]);
}
