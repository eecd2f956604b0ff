//! Several profiles in one crate: each file becomes a module of its own.

fn main() {
    coracle_config::profiles(&[
        "plain.toml",
        "confirmable.toml",
        "small.toml",
        "secure.toml",
        "short_hello.toml",
    ]);
}
