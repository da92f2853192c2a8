//! The last word of a hook: whatever goes wrong, and whatever takes too long, ends with the one exit code that a harness
//! takes for a refusal. Knows no protocol.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// The exit code of a refusal: any other one lets the harness go on.
const REFUSED: u8 = 2;

/// How long a question may take, far below the time after which the harness would go on unanswered.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// From here on a panic is a refusal, and so is more time than the deadline.
///
/// # Errors
/// Where there is nobody to keep the time.
pub(super) fn arm() -> std::io::Result<()> {
    std::panic::set_hook(Box::new(|panic| end(&format!("an error of its own: {panic}"))));
    let clock = std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
        std::thread::sleep(DEADLINE);
        end(&format!("no answer within {} s", DEADLINE.as_secs()));
    })?;
    drop(clock);
    Ok(())
}

/// Says why, and gives the exit code of a refusal.
pub(super) fn refuse(cause: &str) -> ExitCode {
    say(cause);
    ExitCode::from(REFUSED)
}

/// Repeats why a tool must not run, and gives the exit code of a refusal.
pub(super) fn deny(reason: &str) -> ExitCode {
    let _gone = std::io::stderr().write_all(format!("{reason}\n").as_bytes());
    ExitCode::from(REFUSED)
}

/// Ends the process at once, from whichever thread: what else was or will be printed no longer counts.
fn end(cause: &str) {
    say(cause);
    std::process::exit(i32::from(REFUSED));
}

fn say(cause: &str) {
    let text = format!("guard: refused, since guard could not judge it: {cause}\n");
    let _gone = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Runs this very test in a process of its own, where it goes wrong as told.
    fn alone(test: &str) -> Option<std::process::Output> {
        if std::env::var_os("GUARD_TEST_ALONE").is_some() {
            super::arm().unwrap();
            return None;
        }
        let test = format!("door::hook::last::tests::{test}");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([&test, "--exact", "--nocapture"]).env("GUARD_TEST_ALONE", "1");
        Some(command.output().unwrap())
    }

    #[test]
    fn a_panic_is_a_refusal_although_its_own_code_would_be_consent() {
        let Some(output) = alone("a_panic_is_a_refusal_although_its_own_code_would_be_consent") else {
            panic!("as if something was forgotten");
        };
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("could not judge it: an error of its own: ") && said.contains("forgotten"), "{said}");
    }

    #[test]
    fn more_time_than_the_deadline_is_a_refusal() {
        let Some(output) = alone("more_time_than_the_deadline_is_a_refusal") else {
            std::thread::sleep(super::DEADLINE * 5);
            return;
        };
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("no answer within 2 s"), "{said}");
    }
}
