//! Diagnostics: a file where there is something to say, and none where there is not.

use super::Home;
use std::fs;

#[test]
fn diagnostics_are_written_when_there_is_something_to_say_and_not_before() {
    let home = Home::with("default");
    assert_eq!(home.guard(&["exec", "--", "ls"]).code, Some(0));
    let state = home.state();
    let said = state.join("diagnostics");
    assert!(!said.exists(), "{:?}", fs::read_dir(&said).map(Iterator::count));
    // A file where the compiled policy is to be kept.
    fs::remove_dir_all(state.join("policy")).unwrap();
    fs::write(state.join("policy"), "").unwrap();
    assert_eq!(home.guard(&["exec", "--", "ls"]).code, Some(0));
    let files: Vec<_> = fs::read_dir(&said).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(" WARN ") && text.contains("the compiled policy is not kept"), "{text}");
}
