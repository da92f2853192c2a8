//! A revision that Alembic itself makes is a file of the iteration, as any other that a command makes.

use super::{counted, exec, kept_out, scene, stays_out};
use crate::cli::tools;

#[test]
fn a_revision_that_alembic_makes_counts_as_a_file_of_the_iteration() {
    assert!(tools().join("alembic").exists(), "no alembic in {}: run scripts/test", tools().display());
    let home = scene(&["README.md", "notes.md"], "");
    home.write("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations\n");
    home.write("migrations/env.py", "");
    home.write(
        "migrations/script.py.mako",
        "\"\"\"${message}\"\"\"\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n",
    );
    home.write("migrations/versions/.keep", "");
    let told = exec(&home, &["--", "alembic", "revision", "-m", "orders get a note", "--rev-id", "one"]);
    assert_eq!((told["exit_code"].as_i64(), kept_out(&told)), (Some(0), Vec::new()), "{told}");
    assert_eq!(counted(&home), (vec!["migrations/versions/one_orders_get_a_note.py".to_owned()], 0));
    super::comes_in(&home, &["README.md"]);
    stays_out(&home, &["notes.md"], "guard:iteration-full");
}
