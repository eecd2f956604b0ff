//! Writes the profile of this crate's own config.toml, or of the file that `CORACLE_CONFIG` names.

fn main() {
    coracle_config::default_profile("config.toml");
}
