//! The text of a config.toml: it is refused with sentences that name a line of it, or gives code that is Rust.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    match coracle_config::read(text) {
        Ok(configuration) => assert!(coracle_config::rust(&configuration).contains("Profile")),
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines = text.split('\n').count();
            for problem in problems {
                assert!((1..=lines).contains(&problem.line), "line {} of {lines}", problem.line);
                assert!(!problem.message.is_empty());
            }
        }
    }
});
