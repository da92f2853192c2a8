//! A trace of system calls shows that the command starts only after its start record is durable.

use super::Home;
use std::process::Command;

#[test]
fn the_command_is_executed_only_after_the_start_record_is_synced() {
    let home = Home::with("python");
    assert_eq!(home.guard(&["exec", "--", "true"]).code, Some(0));
    for _ in 0..5 {
        let traced = home.path().join("trace");
        let done = Command::new("strace")
            .args([
                "-f",
                "-tt",
                "-y",
                "-e",
                "trace=execve,execveat,fdatasync,write,pwrite64,pwritev2,writev",
                "-s",
                "40",
                "-o",
            ])
            .arg(&traced)
            .arg(env!("CARGO_BIN_EXE_guard"))
            .args(["exec", "--", "true"])
            .current_dir(&home.project)
            .env_clear()
            .env("PATH", super::path())
            .env("HOME", home.path())
            .output()
            .expect("strace is installed by scripts/test");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let trace = std::fs::read_to_string(&traced).unwrap();
        let lines: Vec<_> = trace.lines().collect();
        // The command's own execve: by path, or through a descriptor (`execveat` names it behind `-y`).
        let executed = lines
            .iter()
            .position(|line| (line.contains("execve(\"") || line.contains("execveat(")) && line.contains("/true"))
            .unwrap_or_else(|| panic!("no execve of the command in:\n{trace}"));
        let written = lines
            .iter()
            .position(|line| line.contains("build_audit.log") && line.contains("write"))
            .unwrap_or_else(|| panic!("no write of the start record in:\n{trace}"));
        let synced = returned(&lines, "fdatasync(", "build_audit.log");
        assert!(written < synced, "synced at line {synced}, before the write at {written}:\n{trace}");
        assert!(synced < executed, "executed at line {executed}, before the sync returned at {synced}:\n{trace}");
    }
}

/// The line on which the first call of `name` on `file` returned with 0, be it the line of the call or of its resumption.
fn returned(lines: &[&str], name: &str, file: &str) -> usize {
    let called = lines.iter().position(|line| line.contains(name) && line.contains(file)).expect("the log is synced");
    if !lines[called].contains("<unfinished") {
        assert!(lines[called].ends_with("= 0"), "{}", lines[called]);
        return called;
    }
    let process = lines[called].split_whitespace().next().unwrap();
    let resumed = format!("<... {} resumed>", name.trim_end_matches('('));
    let after = lines[called..].iter().position(|line| line.starts_with(process) && line.contains(&resumed)).unwrap();
    assert!(lines[called + after].ends_with("= 0"), "{}", lines[called + after]);
    called + after
}
