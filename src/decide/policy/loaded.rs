//! A loaded policy: settings at hand, rules in bytes that are read when a command could be meant.
//! Knows nothing of where its texts came from.

use super::compiled::{Rows, between, checksum};
use super::index::{Has, Index};
use super::numbers::Numbers;
use super::{Examples, Faults, Layer, Preset, Rule, RuleText, Settings, Source, layers, preset};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// A loaded policy.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) hash: String,
    pub(super) body: Body,
    /// Rules, each with its text and a checksum, one after the other, from `start` on.
    pub(super) rows: Arc<dyn Rows>,
    pub(super) start: u64,
    /// Rules that were read from `rows`: a judgement needs few of them.
    rules: Vec<OnceLock<Option<Box<Rule>>>>,
    /// The examples of each rule, where it was loaded from texts: a judgement needs none.
    examples: Vec<Examples>,
}

/// What a judgement needs of every policy.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) settings: Settings,
    pub(super) index: Index,
    /// Where each rule ends in `rows`, and where its text does.
    pub(super) ends: Numbers<2>,
    pub(super) notes: Vec<String>,
}

impl Body {
    /// Bytes of all rules together.
    pub(super) fn length(&self) -> u64 {
        self.ends.len().checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |[_, end]| u64::from(end))
    }
}

impl Policy {
    /// Reads and merges policy texts; presets they extend are added, and [`PRESETS`]' `default` always is.
    ///
    /// # Errors
    /// All faults of all texts at once. The examples of rules are not run: [`crate::decide::check_examples`] does.
    pub fn load(sources: &[Source]) -> Result<Policy, Faults> {
        let merged = layers::load(sources, &|name| preset(name).map(Preset::source))?;
        let index = Index::new(&merged.rules);
        let mut rows: Vec<u8> = Vec::new();
        let mut ends = Numbers::default();
        let length = |rows: &Vec<u8>| u32::try_from(rows.len()).unwrap_or(u32::MAX);
        for (rule, text) in merged.rules.iter().zip(&merged.texts) {
            // Writing plain data into memory cannot fail; a rule that is missing denies everything.
            let start = rows.len();
            rows.extend(postcard::to_stdvec(rule).unwrap_or_default());
            let end = length(&rows);
            rows.extend(postcard::to_stdvec(text).unwrap_or_default());
            let sum = checksum(rows.get(start..).unwrap_or_default());
            rows.extend(sum.to_le_bytes());
            ends.push([end, length(&rows)]);
        }
        let body = Body { settings: merged.settings, index, ends, notes: merged.notes };
        Ok(Policy { examples: merged.examples, ..Policy::new(Policy::hash_of(sources), body, Arc::new(rows), 0) })
    }

    /// A policy whose rules stand in `rows` from `start` on.
    pub(super) fn new(hash: String, body: Body, rows: Arc<dyn Rows>, start: u64) -> Policy {
        let rules = (0..body.ends.len()).map(|_| OnceLock::new()).collect();
        Policy { hash, body, rows, start, rules, examples: Vec::new() }
    }

    /// Hash of policy texts and of guard's own, in hex: the key of the compiled form and of trust in it.
    pub fn hash_of(sources: &[Source]) -> String {
        let mut hash = Sha256::new();
        hash.update(super::preset::STAMP.to_le_bytes());
        for source in sources {
            hash.update([source.layer as u8]);
            for part in [&source.name, &source.text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hash of the texts it was loaded from.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Everything beside the rules.
    pub fn settings(&self) -> &Settings {
        &self.body.settings
    }

    /// Things that are not wrong, but that a person who checks the policy should know.
    pub fn notes(&self) -> &[String] {
        &self.body.notes
    }

    /// How many rules there are, of all layers.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule at all; the `default` preset has some, so there always is one.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules with their layer and verdict, and what a person reads of each.
    pub fn rules(&self) -> impl Iterator<Item = (Layer, crate::decide::Verdict, RuleText)> {
        (0..self.len()).filter_map(|number| {
            let rule = self.rule(number)?;
            Some((rule.layer, rule.verdict, self.text(number)?))
        })
    }

    /// The rules' examples, in the order of [`Policy::rules`]; none of a policy from its compiled form.
    pub fn examples(&self) -> &[Examples] {
        &self.examples
    }

    /// The rule of that number; none where its bytes are not those that were written.
    pub(crate) fn rule(&self, number: usize) -> Option<&Rule> {
        let read = || postcard::from_bytes(&self.row(number)?.0).ok();
        self.rules.get(number)?.get_or_init(read).as_deref()
    }

    /// What a person reads of the rule of that number.
    pub(crate) fn text(&self, number: usize) -> Option<RuleText> {
        let (row, end) = self.row(number)?;
        postcard::from_bytes(row.get(end..)?).ok()
    }

    /// The bytes of a rule, and where its text begins in them.
    fn row(&self, number: usize) -> Option<(Vec<u8>, usize)> {
        let from = match number.checked_sub(1) {
            Some(before) => self.body.ends.get(before)?[1],
            None => 0,
        };
        let [end, to] = self.body.ends.get(number)?;
        let row = between(&*self.rows, self.start + u64::from(from), self.start + u64::from(to))?;
        let (content, sum) = row.split_last_chunk::<8>()?;
        (checksum(content) == u64::from_le_bytes(*sum)).then_some(())?;
        let end = end.checked_sub(from)? as usize;
        Some((row, end))
    }

    /// Numbers of the rules that could match a program of one of these names, in order.
    pub(crate) fn candidates<'n>(&self, names: impl Iterator<Item = &'n str>, has: Has) -> Vec<usize> {
        self.body.index.candidates(names, has)
    }
}
