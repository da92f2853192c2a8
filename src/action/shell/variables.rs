//! Builtins that set variables: `export`, `declare`, `read`, `printf -v`, `unset` and their kin.
//! Knows how they name what they set; an index is evaluated like arithmetic.

use super::command::{Assign, Command, Word};
use super::flags::Tri;
use super::walk::Walk;
use std::ops::Range;

impl Walk<'_> {
    pub(super) fn declare(&mut self, name: &str, command: &mut Command) {
        let span = command.span.clone();
        let integer = command.has_flag("-i");
        if name != "export" && name != "readonly" && command.has_flag("-n") != Tri::No {
            self.unproven("a variable that stands for another (`-n`)", &span);
        }
        if command.has_flag("-f") == Tri::Yes || command.has_flag("-F") == Tri::Yes {
            return;
        }
        // Such variables change what they are set to.
        let alters = ["-i", "-l", "-u", "-c"].iter().any(|flag| command.has_flag(flag) != Tri::No);
        let unsets = name == "export" && command.has_flag("-n") != Tri::No;
        for word in command.args().to_vec() {
            let shown = word.value.as_deref().unwrap_or(&word.prefix);
            if shown.starts_with(['-', '+']) && word.value.is_some() {
                continue;
            }
            if alters {
                let target = shown.split(['=', '+', '[']).next().unwrap_or("");
                self.volatile.push(target.to_owned());
            }
            let Some((target, start)) = shown.split_once('=') else {
                match word.literal() {
                    // Without a value it keeps the one it has, or is local and empty.
                    Some(target) if name == "export" || name == "readonly" || unsets => {
                        let value = Word { value: self.value(target), text: target.to_owned(), ..Word::default() };
                        self.dangerous_name(target, &value, &span);
                        command.assigns.push(Assign { name: target.to_owned(), value });
                    }
                    Some(target) => self.declared(target, Word::default(), command, integer, &span),
                    None => self.unproven(format!("`{name}` of a name that only the run will tell"), &span),
                }
                continue;
            };
            let (target, append) = match target.strip_suffix('+') {
                Some(target) => (target.to_owned(), true),
                None => (target.to_owned(), false),
            };
            let value = word.value.as_ref().filter(|_| !append).map(|_| start.to_owned());
            let prefix = if value.is_none() && !append { start.to_owned() } else { String::new() };
            let value = Word { value, prefix, text: word.text.clone(), ..Word::default() };
            self.declared(&target, value, command, integer, &span);
        }
    }

    pub(super) fn declared(
        &mut self,
        target: &str,
        value: Word,
        command: &mut Command,
        integer: Tri,
        span: &Range<usize>,
    ) {
        if integer != Tri::No {
            match &value.value {
                Some(text) => {
                    self.arithmetic_text(&text.clone(), span);
                }
                None => self.unproven("an integer variable set to text that would be evaluated", span),
            }
        }
        self.index_of(target, span);
        self.dangerous_name(target, &value, span);
        let base = target.split('[').next().unwrap_or(target).to_owned();
        self.assign(target, value.value.clone());
        command.assigns.push(Assign { name: base, value });
    }

    /// Marks a name that changes what follows; `name[index]` counts as `name`.
    fn dangerous_name(&mut self, target: &str, value: &Word, span: &Range<usize>) {
        let base = target.split('[').next().unwrap_or(target).to_owned();
        let before = self.fixed.clone();
        self.fixed = Some(self.place(span));
        self.dangerous(&base, value);
        self.fixed = before;
    }

    /// `name[index]` as an argument: the index is evaluated.
    pub(super) fn index_of(&mut self, target: &str, span: &Range<usize>) {
        if let Some((_, index)) = target.split_once('[') {
            let index = index.strip_suffix(']').unwrap_or(index).to_owned();
            self.arithmetic_text(&index, span);
        }
    }

    /// Builtins that put what they read into variables named by their arguments.
    pub(super) fn reads(&mut self, name: &str, command: &mut Command) {
        let span = command.span.clone();
        let valued: &[&str] = match name {
            "read" => &["-a", "-d", "-i", "-n", "-N", "-p", "-t", "-u"],
            "mapfile" | "readarray" => &["-C", "-c", "-d", "-n", "-O", "-s", "-u"],
            "printf" => &["-v"],
            "wait" => &["-p"],
            _ => &[],
        };
        let named: &[&str] = match name {
            "read" => &["-a"],
            "printf" => &["-v"],
            "wait" => &["-p"],
            _ => &[],
        };
        for flag in named {
            for word in command.flag_values(flag) {
                self.read_into(&word, command);
            }
        }
        let operands: Vec<Word> = command.operands(valued).into_iter().cloned().collect();
        match name {
            "read" | "mapfile" | "readarray" => {
                let defaults = if name == "read" { "REPLY" } else { "MAPFILE" };
                if operands.is_empty() {
                    self.assign(defaults, None);
                }
                for word in &operands {
                    self.read_into(word, command);
                }
            }
            "getopts" => {
                for word in operands.get(1..2).unwrap_or(&[]) {
                    self.read_into(word, command);
                }
                for name in ["OPTARG", "OPTIND"] {
                    self.assign(name, None);
                }
            }
            _ => {}
        }
        if matches!(name, "mapfile" | "readarray") {
            for code in command.flag_values("-C") {
                self.apart_body(|walk| walk.code(&[code], "mapfile -C", &span));
            }
        }
    }

    fn read_into(&mut self, word: &Word, command: &mut Command) {
        let span = command.span.clone();
        match word.literal().map(str::to_owned) {
            Some(target) => self.declared(&target, Word::default(), command, Tri::No, &span),
            None => self.unproven("a variable whose name only the run will tell", &span),
        }
    }

    pub(super) fn unset(&mut self, command: &Command) {
        let span = command.span.clone();
        let functions = command.has_flag("-f") != Tri::No;
        for word in command.args().to_vec() {
            match word.literal() {
                Some(name) if name.starts_with('-') => {}
                Some(name) => {
                    self.index_of(name, &span);
                    if !functions {
                        self.dangerous_name(name, &Word::default(), &span);
                        self.assign(name, None);
                    }
                    for function in &mut self.scope.functions {
                        function.sure &= *function.name != *name;
                    }
                }
                None => self.unproven("`unset` of a name that only the run will tell", &span),
            }
        }
    }
}
