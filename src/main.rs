//! The `guard` binary: hands the process over to its doors.

fn main() -> std::process::ExitCode {
    guard::door::main()
}
