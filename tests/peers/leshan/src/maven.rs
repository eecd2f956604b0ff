//! Builds the peer's jar, once per change of its sources, however many test programs run at the same time.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

const JAVA_NEEDED: u32 = 17;
const BUILD_LIMIT: Duration = Duration::from_mins(10);
const LOCK_LIMIT: Duration = Duration::from_secs(1220);

/// The Maven project of the peer.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop/leshan")
}

/// The jar of the peer, built if it is absent or other than its sources.
///
/// # Errors
///
/// [`Error::Unavailable`] when Java or Maven is absent or Maven fails.
pub fn build() -> Result<PathBuf, Error> {
    check_java()?;
    let project = project();
    let jar = project.join("target/leshan-peer.jar");
    if is_fresh(&project)? {
        return Ok(jar);
    }
    fs::create_dir_all(project.join("target"))?;
    let lock = lock(&project.join("target/build.lock"))?;
    // Another program may have built it while this one waited.
    if !is_fresh(&project)? {
        run_maven(&project)?;
        fs::write(stamp(&project), fingerprint(&project)?)?;
    }
    drop(lock);
    Ok(jar)
}

fn stamp(project: &Path) -> PathBuf {
    project.join("target/sources.fingerprint")
}

fn is_fresh(project: &Path) -> io::Result<bool> {
    let built = fs::read_to_string(stamp(project)).unwrap_or_default();
    Ok(project.join("target/leshan-peer.jar").is_file()
        && project.join("target/lib").is_dir()
        && built == fingerprint(project)?)
}

/// A hash of the sources. Times of files would do, if it were not for checkouts that change them.
fn fingerprint(project: &Path) -> io::Result<String> {
    let mut files = vec![project.join("pom.xml")];
    let mut folders = vec![project.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(project).unwrap_or(&file).hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path)?;
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(100));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Unavailable(format!(
                    "another build holds {} for too long",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Without network first: Maven asks the repository even for what it has.
fn run_maven(project: &Path) -> Result<(), Error> {
    let offline = maven(project, &["-o", "-B", "-q", "package"])?;
    if offline.status.success() {
        return Ok(());
    }
    let mut online = offline;
    // The repository may be there again after a while; nothing is fetched twice.
    for pause in [0, 10] {
        if !online.status.success() && !is_compilation_error(&online) {
            thread::sleep(Duration::from_secs(pause));
            online = maven(project, &["-B", "-q", "package"])?;
        }
    }
    if online.status.success() {
        return Ok(());
    }
    let text =
        String::from_utf8_lossy(&online.stdout).into_owned() + &String::from_utf8_lossy(&online.stderr);
    assert!(!is_compilation_error(&online), "the Leshan peer does not compile:\n{text}");
    Err(Error::Unavailable(format!("mvn package fails in {}:\n{text}", project.display())))
}

fn is_compilation_error(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains("COMPILATION ERROR")
}

fn maven(project: &Path, arguments: &[&str]) -> Result<Output, Error> {
    let mut command = Command::new("mvn");
    command.args(arguments).current_dir(project);
    run(command, "mvn", "Maven (Debian: maven)")
}

/// The major version of `java`, which tells a stranger more than a class file version error does.
fn check_java() -> Result<(), Error> {
    let mut command = Command::new("java");
    command.arg("-version");
    let output = run(command, "java", "Java 17 or newer (Debian: openjdk-17-jdk-headless)")?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    match major_version(&text) {
        Some(major) if major >= JAVA_NEEDED => Ok(()),
        _ => Err(Error::Unavailable(format!(
            "Java {JAVA_NEEDED} or newer is needed; java -version says: {text}"
        ))),
    }
}

/// `openjdk version "17.0.15" 2025-04-15` is 17, `java version "1.8.0_392"` is 1.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Runs a program to its end, at most [`BUILD_LIMIT`] long.
fn run(mut command: Command, name: &str, remedy: &str) -> Result<Output, Error> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Unavailable(format!("{name} is not installed; install {remedy}")),
        _ => Error::Io(error),
    })?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let deadline = Instant::now() + BUILD_LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(Error::Unavailable(format!("{} takes too long", command_line(&command))));
        }
        thread::sleep(Duration::from_millis(20));
    };
    Ok(Output {
        status,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut all);
        }
        all
    })
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_versions() {
        assert_eq!(major_version("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK ..."), Some(17));
        assert_eq!(major_version("java version \"1.8.0_392\""), Some(1));
        assert_eq!(major_version("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(major_version("nothing"), None);
    }

    #[test]
    fn the_fingerprint_follows_the_sources() {
        let folder = std::env::temp_dir().join(format!("coracle-fingerprint-{}", std::process::id()));
        fs::create_dir_all(folder.join("src/main")).unwrap();
        fs::write(folder.join("pom.xml"), "a").unwrap();
        fs::write(folder.join("src/main/A.java"), "b").unwrap();
        let first = fingerprint(&folder).unwrap();
        assert_eq!(fingerprint(&folder).unwrap(), first);
        fs::write(folder.join("src/main/A.java"), "c").unwrap();
        let second = fingerprint(&folder).unwrap();
        assert_ne!(second, first);
        fs::rename(folder.join("src/main/A.java"), folder.join("src/main/B.java")).unwrap();
        assert_ne!(fingerprint(&folder).unwrap(), second);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_absent_program_is_named_with_its_remedy() {
        let error = run(Command::new("no-such-program-of-ours"), "x", "the package x").unwrap_err();
        assert!(
            matches!(&error, Error::Unavailable(text) if text.contains("install the package x")),
            "{error}"
        );
    }
}
