//! The compiled form: what comes back is what went in, and anything else is refused.

use super::world::{line, preset, source};
use guard::decide::policy::{CompiledError, PRESETS};
use guard::decide::{Layer, Policy, Verdict};
use proptest::prelude::*;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

#[test]
fn a_compiled_preset_judges_as_the_one_it_was_made_from() {
    for name in PRESETS.iter().map(|preset| preset.name) {
        let policy = preset(name);
        let again = Policy::from_compiled(Arc::new(policy.compile())).unwrap();
        assert_eq!(again.settings(), policy.settings());
        assert_eq!(again.hash(), policy.hash());
        assert!(again.rules().eq(policy.rules()));
        for text in ["ls", "rm -rf /", "python main.py --mode live", "echo $(git push --force)", "FOO=1 x", "'", ""] {
            assert_eq!(line(&again, text), line(&policy, text), "{text}");
        }
        assert_eq!(again.compile(), policy.compile());
    }
}

#[test]
fn foreign_old_and_damaged_bytes_are_refused_by_name() {
    let bytes = preset("python").compile();
    assert_eq!(Policy::from_compiled(Arc::new(Vec::new())).err(), Some(CompiledError::Foreign));
    assert_eq!(
        Policy::from_compiled(Arc::new(b"not a policy at all, but long enough".to_vec())).err(),
        Some(CompiledError::Foreign)
    );
    let mut old = bytes.clone();
    old[8] ^= 1;
    assert_eq!(Policy::from_compiled(Arc::new(old)).err(), Some(CompiledError::Version));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Policy::from_compiled(Arc::new(longer)).err(), Some(CompiledError::Damaged));
    assert_eq!(Policy::from_compiled(Arc::new(bytes[..bytes.len() - 1].to_vec())).err(), Some(CompiledError::Damaged));
}

#[test]
fn the_hash_tells_texts_layers_and_names_apart() {
    let one = source(Layer::Project, "observe = true");
    let hash = |sources: &[guard::decide::Source]| Policy::hash_of(sources);
    let mut hashes = vec![
        hash(&[]),
        hash(std::slice::from_ref(&one)),
        hash(&[source(Layer::Person, "observe = true")]),
        hash(&[source(Layer::Project, "observe = false")]),
        hash(&[one.clone(), one.clone()]),
    ];
    assert_eq!(hashes[1], hash(&[one]));
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
    assert!(hashes.iter().all(|hash| hash.len() == 64));
}

#[test]
fn a_rule_that_is_damaged_denies_what_it_could_mean_and_nothing_else() {
    let mut bytes = preset("python").compile();
    let id = b"git-publishes";
    let at = bytes.windows(id.len()).position(|window| window == id).unwrap();
    bytes[at] ^= 1;
    let policy = Policy::from_compiled(Arc::new(bytes)).unwrap();
    let judgement = line(&policy, "git status");
    assert_eq!(judgement.verdict(), Verdict::Deny);
    assert!(judgement.matches().iter().any(|found| found.id == "guard:damaged"), "{judgement:?}");
    assert_eq!(line(&policy, "ls").verdict(), Verdict::Allow);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_flipped_bit_goes_unseen(at in 0usize..1 << 20, bit in 0u8..8) {
        let mut bytes = preset_bytes().clone();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // In a rule it is seen when that is read, and denies: `rules` has those that are whole. In the names of SQL it is seen when a
        // query is judged, of which nothing comes then.
        let names = |policy: &Policy| std::panic::catch_unwind(AssertUnwindSafe(|| policy.settings().sql.is_empty()));
        let seen = Policy::from_compiled(Arc::new(bytes))
            .map_or(true, |policy| policy.rules().count() < policy.len() || names(&policy).is_err());
        prop_assert!(seen);
    }

    #[test]
    fn garbage_is_refused_and_never_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Policy::from_compiled(Arc::new(bytes.clone())).is_err());
        let mut behind = preset_bytes()[..20].to_vec();
        behind.extend(&bytes);
        prop_assert!(Policy::from_compiled(Arc::new(behind)).is_err());
    }
}

fn preset_bytes() -> &'static Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| preset("python-trading").compile())
}
