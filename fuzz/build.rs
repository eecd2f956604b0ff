//! The profile of the client under test.

fn main() {
    coracle_config::profile("config.toml");
}
