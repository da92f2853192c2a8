//! Virtual environments within the project, and packages installed into them from its own source.

use super::{allow, both, differing, fenced, home};
use crate::changes::scene::Tree;
use std::path::Path;

/// A package, and what builds it: no more than PEP 660 asks, so that nothing has to be fetched.
const BACKEND: &str = r#"import os, zipfile
def wheel(folder, lines):
    name = 'tinypkg-0.1-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(folder, name), 'w') as z:
        for at, text in lines.items(): z.writestr(zipfile.ZipInfo(at), text)
        info = 'tinypkg-0.1.dist-info/'
        z.writestr(zipfile.ZipInfo(info + 'METADATA'), 'Metadata-Version: 2.1\nName: tinypkg\nVersion: 0.1\n')
        z.writestr(zipfile.ZipInfo(info + 'WHEEL'), 'Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        z.writestr(zipfile.ZipInfo(info + 'entry_points.txt'), '[console_scripts]\ntinycmd = tinypkg:main\n')
        z.writestr(zipfile.ZipInfo(info + 'RECORD'), '')
    return name
def build_editable(folder, config=None, metadata=None): return wheel(folder, {'tinypkg.pth': os.path.abspath('src') + '\n'})
def build_wheel(folder, config=None, metadata=None): return wheel(folder, {'tinypkg/__init__.py': open('src/tinypkg/__init__.py').read()})
"#;

/// Installing from a folder runs its code, and a program in the project is nobody's: a policy may trust both.
fn policy() -> String {
    let pip = "flags_any = [\"-e\"]\nwrites = \"venv\"\n";
    allow("pip", "\"./.venv/bin/pip\"", pip) + &allow("tiny", "\"./.venv/bin/tinycmd\"", "")
}

/// Without compiled forms, and the lists of what was installed, which name them: these go elsewhere inside.
fn source(mut tree: Tree) -> Tree {
    tree.retain(|path, _| {
        !path.components().any(|part| part.as_os_str() == "__pycache__") && !path.ends_with("RECORD")
    });
    tree
}

#[test]
fn an_environment_is_made_and_a_package_installed_into_it_from_its_source() {
    let home = home(&policy());
    home.write("environment.py", "import venv\nvenv.create('.venv', with_pip=True, symlinks=True)\n");
    home.write("pkg/backend/backend.py", BACKEND);
    home.write("pkg/src/tinypkg/__init__.py", "def main(): print('tiny')\n");
    home.write(
        "pkg/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\"backend\"]\n",
    );
    let (guarded, plain) = both(&home, &["python3 environment.py"]);
    let (guarded, plain) = (source(guarded), source(plain));
    assert_eq!(differing(&guarded, &plain), [] as [&Path; 0]);
    assert_eq!(guarded[Path::new(".venv/bin/python3")].0, "link");
    let install =
        ".venv/bin/pip install --quiet --disable-pip-version-check --no-compile --no-index --no-build-isolation -e pkg";
    let (guarded, plain) = both(&home, &[install]);
    assert_eq!(differing(&source(guarded), &source(plain)), [] as [&Path; 0]);
    assert_eq!(fenced(&home, ".venv/bin/tinycmd").stdout, "tiny\n");
    home.write("pkg/src/tinypkg/__init__.py", "def main(): print('edited')\n");
    assert_eq!(fenced(&home, ".venv/bin/tinycmd").stdout, "edited\n");
}
