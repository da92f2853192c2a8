//! Any text as a policy file and as a file of cases: read, compiled, explained without a panic, in time.

#![no_main]

mod common;

use guard::decide::policy::Written;
use guard::decide::{Layer, Policy, Source, read_cases};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source { layer: Layer::Project, name: "guard.toml".into(), text: text.into() };
    let cases = common::timed(|| read_cases(&source));
    if let Err(faults) = cases {
        let _shown = faults.to_string();
    }
    match common::timed(|| Policy::load(std::slice::from_ref(&source))) {
        Err(faults) => {
            let _shown = faults.to_string();
        }
        Ok(policy) => {
            let compiled = policy.compile();
            let read = Policy::from_compiled(std::sync::Arc::new(compiled)).expect("what was compiled can be read");
            assert_eq!((read.hash(), read.len()), (policy.hash(), policy.len()));
            for (layer, _, text) in read.rules().filter(|(layer, _, _)| *layer == Layer::Project) {
                let written = Written::find(std::slice::from_ref(&source), &text.id);
                assert!(written.is_some(), "{layer:?} {}", text.id);
            }
        }
    }
});
