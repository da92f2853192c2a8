//! Which text stands behind the name of a statement, as the server has it and not as the client says: a name is taken by the
//! server's word alone, since of two statements of one name it keeps the first.
//! Knows no connection.

use std::collections::BTreeMap;

/// The names of one connection.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Statements that the server said it has.
    known: BTreeMap<String, String>,
    /// What it was asked since it was last ready, in order.
    asked: Vec<Asked>,
    /// Portals of statements that are bound, and not run yet.
    bound: BTreeMap<String, (String, Vec<String>)>,
}

#[derive(Debug)]
enum Asked {
    Parse(String, String),
    Close(String),
    /// A portal: nothing that has to be kept.
    CloseAnother,
}

impl Names {
    /// A statement is to be prepared.
    pub(super) fn prepare(&mut self, name: String, sql: String) {
        self.asked.push(Asked::Parse(name, sql));
    }

    /// A statement (`S`) or a portal is to be forgotten.
    pub(super) fn close(&mut self, sort: u8, name: String) {
        if sort == b'S' {
            self.asked.push(Asked::Close(name));
        } else {
            self.bound.remove(&name);
            self.asked.push(Asked::CloseAnother);
        }
    }

    /// The text of a statement, where all that was asked before comes about; where something does not, the server passes over
    /// whatever follows until it is ready again.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let last = self.asked.iter().rev().find_map(|asked| match asked {
            Asked::Parse(of, sql) if of == name => Some(Some(sql)),
            Asked::Close(of) if of == name => Some(None),
            Asked::Parse(..) | Asked::Close(_) | Asked::CloseAnother => None,
        });
        last.unwrap_or_else(|| self.known.get(name)).cloned()
    }

    /// A statement is bound, to be run by a portal of that name.
    pub(super) fn bind(&mut self, portal: String, sql: String, given: Vec<String>) {
        self.bound.insert(portal, (sql, given));
    }

    /// What a portal runs. It was bound since the server was last ready: what stood behind the name before may still do so.
    pub(super) fn portal(&self, name: &str) -> Option<&(String, Vec<String>)> {
        self.bound.get(name)
    }

    /// The server has taken what it was asked first of this sort: a statement in (`1`), or out (`3`).
    pub(super) fn taken(&mut self, answer: u8) {
        if self.asked.is_empty() {
            return;
        }
        match (answer, self.asked.remove(0)) {
            (b'1', Asked::Parse(name, sql)) => {
                self.known.insert(name, sql);
            }
            (b'3', Asked::Close(name)) => {
                self.known.remove(&name);
            }
            (b'3', Asked::CloseAnother) => {}
            // It answers in the order it was asked in: nothing is sure any more.
            (_, Asked::Parse(..) | Asked::Close(_) | Asked::CloseAnother) => *self = Self::default(),
        }
    }

    /// It is ready again; what it has not answered, it has passed over.
    pub(super) fn ready(&mut self) {
        self.asked.clear();
        self.bound.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(names: &Names, name: &str) -> String {
        names.text(name).unwrap_or_default()
    }

    #[test]
    fn a_name_stands_for_what_the_server_has_taken() {
        let mut names = Names::default();
        let prepare = |names: &mut Names, sql: &str| names.prepare("a".to_owned(), sql.to_owned());
        prepare(&mut names, "one");
        assert_eq!(text(&names, "a"), "one", "as long as nothing fails");
        names.taken(b'1');
        names.ready();
        // The second of a name fails, so that the first stays.
        prepare(&mut names, "two");
        assert_eq!(text(&names, "a"), "two");
        names.ready();
        assert_eq!(text(&names, "a"), "one");
        // Closed and made anew, it is another; where both were passed over, it is not.
        names.close(b'S', "a".to_owned());
        prepare(&mut names, "three");
        names.ready();
        assert_eq!(text(&names, "a"), "one");
        names.close(b'S', "a".to_owned());
        prepare(&mut names, "three");
        names.taken(b'3');
        names.taken(b'1');
        names.ready();
        assert_eq!(text(&names, "a"), "three");
        assert_eq!(names.text("b"), None);
    }

    #[test]
    fn a_portal_is_gone_with_the_next_answer() {
        let mut names = Names::default();
        names.bind(String::new(), "one".to_owned(), Vec::new());
        assert_eq!(names.portal(""), Some(&("one".to_owned(), Vec::new())));
        names.ready();
        assert_eq!(names.portal(""), None);
    }
}
