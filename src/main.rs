//! The `guard` binary: hands the process over to the command-line door.

fn main() -> std::process::ExitCode {
    guard::door::cli::main()
}
