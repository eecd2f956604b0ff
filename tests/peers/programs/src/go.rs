//! A Go that is new enough for pion, also where the system has an older one: `docs/decisions/0030-a-newer-go-for-pion.md`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What pion asks for in its `go.mod`.
const NEEDED: (u32, u32) = (1, 24);
/// The release that an older Go fetches from the module proxy.
const RELEASE: &str = "go1.24.4";
/// Since this one Go fetches releases by itself.
const FETCHES: (u32, u32) = (1, 21);

/// A `go` that can build pion, or what is missing.
pub(crate) fn command(folder: &Path) -> Result<Command, String> {
    let version = output(Command::new("go").arg("version"))
        .map_err(|error| format!("{error}; install Go (Debian: golang-go)"))?;
    let version = parse(&version).ok_or_else(|| format!("go version says: {version}"))?;
    if version >= NEEDED {
        return Ok(Command::new("go"));
    }
    if version >= FETCHES {
        let mut go = Command::new("go");
        go.env("GOTOOLCHAIN", RELEASE);
        return Ok(go);
    }
    let root = fetch(folder)?;
    let mut go = Command::new(root.join("bin/go"));
    go.env("GOROOT", &root).env("GOTOOLCHAIN", "local");
    Ok(go)
}

/// `go version go1.19.8 linux/amd64` is 1.19.
fn parse(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split_whitespace().nth(2)?.strip_prefix("go")?.split(['.', '-', 'r', 'b']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Releases are modules of the proxy, checked by Go against its checksum database as any other.
fn fetch(folder: &Path) -> Result<PathBuf, String> {
    let platform = output(Command::new("go").args(["env", "GOOS", "GOARCH"]))?;
    let platform: Vec<&str> = platform.split_whitespace().collect();
    let module = format!("golang.org/toolchain@v0.0.1-{RELEASE}.{}", platform.join("-"));
    let answer = output(Command::new("go").args(["mod", "download", "-json", &module]).current_dir(folder))?;
    let root = answer
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"Dir\": \"")?.split('"').next())
        .map(PathBuf::from)
        .ok_or_else(|| format!("go mod download {module} says: {answer}"))?;
    // Zip files of modules have no permissions.
    let tools = root.join("pkg/tool").join(platform.join("_"));
    for programs in [root.join("bin"), tools] {
        make_executable(&programs).map_err(|error| format!("{}: {error}", programs.display()))?;
    }
    Ok(root)
}

#[cfg(unix)]
fn make_executable(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let mut permissions = std::fs::metadata(&path)?.permissions();
        permissions.set_mode(permissions.mode() | 0o111);
        std::fs::set_permissions(&path, permissions)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}\n{errors}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse("go version go1.19.8 linux/amd64"), Some((1, 19)));
        assert_eq!(parse("go version go1.26rc1 linux/arm64"), Some((1, 26)));
        assert_eq!(parse("go version go1.24 linux/amd64"), Some((1, 24)));
        assert_eq!(parse("go: not found"), None);
    }
}
