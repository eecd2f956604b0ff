//! The sizes of the demo device: those of the config.toml at the top of the repository, or of the file that `CORACLE_CONFIG`
//! names. Firmware of small boards names `small-boards.toml` in its `.cargo/config.toml`.

fn main() {
    println!("cargo::rerun-if-env-changed=CORACLE_CONFIG");
    let file = std::env::var("CORACLE_CONFIG").unwrap_or_else(|_| "../../config.toml".into());
    coracle_config::profile(file);
}
