//! What Python files import: there, or not.

use super::{said, scene, writes};

const WANTED: &str = "[[content]]\npaths = \"**/*.py\"\nchecks = [\"imports\", \"names\"]\n";

#[test]
fn what_is_imported_must_be_there_and_whatever_is_there_in_any_way_may_be() {
    let home = scene(WANTED);
    let stands = [
        ("shared/__init__.py", ""),
        (
            "shared/models.py",
            "from .base import *\nimport os\nclass Order:\n    id: int\nif os.name:\n    LIMIT, (A, *B) = 1, (2, 3)\nelse:\n    from x import y as OTHER\n",
        ),
        ("shared/base.py", "class Base: pass\n_hidden = 1\n"),
        ("shared/lazy.py", "def __getattr__(name): return 1\n"),
        ("shared/schemas.py", "class OrderSchema: pass\n"),
        ("services/risk.py", "def check(): pass\n"),
        ("src/inner/deep/mod.py", "x = 1\n"),
        ("native/fast.cpython-311-x86_64-linux-gnu.so", "\u{7f}ELF"),
        ("requirements.txt", "PyYAML==6.0\nflask-sqlalchemy==3.1\n"),
        (
            "pyproject.toml",
            "[project]\nname = \"x\"\nrequires-python = \">=3.10\"\ndependencies = [\"httpx>=0.27\"]\n[dependency-groups]\ndev = [\"pytest\"]\n",
        ),
        (".venv/pyvenv.cfg", "version = 3.11.2\n"),
        (".venv/lib/python3.11/site-packages/ccxt/__init__.py", ""),
        (".venv/lib/python3.11/site-packages/single.py", ""),
        (".venv/lib/python3.11/site-packages/fastthing.abi3.so", ""),
        (
            ".venv/lib/python3.11/site-packages/__editable___mine_0_1_finder.py",
            "MAPPING = {'mine': '/somewhere/mine'}\n",
        ),
    ];
    for (path, text) in stands {
        home.write(path, text);
    }
    let sound = [
        "import os, sys, json.decoder, xml.etree.ElementTree as E, __future__",
        "from shared.models import Order, Base, LIMIT, A, B, OTHER",
        "from shared import models, schemas as s",
        "from shared.schemas import *",
        "from shared.lazy import anything",
        "import shared.base, services.risk, services",
        "from services import risk",
        "from inner.deep.mod import x",
        "from native import fast",
        "import native.fast",
        "import yaml, flask_sqlalchemy, httpx, ccxt, single, fastthing, mine, pytest",
        "from ccxt.base.errors import NetworkError",
        "try:\n    import ujson\nexcept ImportError:\n    ujson = None",
        "try:\n    import tomllib\nexcept ModuleNotFoundError:\n    import tomli as tomllib",
        "import sys\nif sys.version_info < (3, 8):\n    import importlib_metadata",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nowhere import Thing",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import nowhere",
        "from shared.models import __doc__",
        // Only for those who look at types, and nobody's module here.
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from _typeshed import Incomplete",
        "import os.path, xml.etree.ElementTree, importlib.metadata, concurrent.futures, unittest.mock",
    ];
    for (number, text) in sound.iter().enumerate() {
        let done = writes(&home, &format!("services/sound_{number}.py"), format!("{text}\n").as_bytes());
        assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{text}: {}", done.stderr);
    }
    let imports = "guard:content-imports: imports what is not there: ";
    let names = "guard:content-names: imports a name that the module does not have: ";
    let table = [
        ("import nowhere", imports, "1:8: no module 'nowhere'"),
        ("import os\n\nimport shared.nowhere as n", imports, "3:8: no module 'shared.nowhere'"),
        ("def f():\n    from nowhere.deep import x", imports, "2:30: no module 'nowhere.deep'"),
        ("from shared import nothing", imports, "1:20: 'shared' has neither a module nor a name 'nothing'"),
        ("from services import nothing", imports, "1:22: 'services' has no module 'nothing'"),
        ("from . import nothing", imports, "1:15: '.' has no module 'nothing'"),
        ("from ...shared import models", imports, "1:23: '...shared' leads out of the project"),
        ("from .risk.deeper import x", imports, "1:26: no module '.risk.deeper'"),
        ("import json.nowhere", imports, "1:8: no module 'json.nowhere'"),
        ("from concurrent.future import Future", imports, "1:31: no module 'concurrent.future'"),
        ("try:\n    import nowhere\nexcept OwnException:\n    pass", imports, "2:12: no module 'nowhere'"),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shared.model import Order",
            imports,
            "3:30: no module 'shared.model'",
        ),
        ("from shared.models import _hidden", names, "1:27: 'shared.models' has no name '_hidden'"),
        ("import binhex", imports, ""),
        ("from shared.models import Order, Orders", names, "1:34: 'shared.models' has no name 'Orders'"),
        ("from shared.schemas import Order", names, "1:28: 'shared.schemas' has no name 'Order'"),
        ("from .risk import chek", names, "1:19: '.risk' has no name 'chek'"),
    ];
    for (text, rule, expected) in table.iter().filter(|(_, _, expected)| !expected.is_empty()) {
        let done = writes(&home, "services/new.py", format!("{text}\n").as_bytes());
        let expected = vec![format!("{rule}`services/new.py:{expected}`")];
        assert_eq!((done.code, said(&done)), (Some(126), expected), "{text}");
    }
}

#[test]
fn a_change_set_is_seen_whole_and_only_what_is_new_counts() {
    let home = scene(WANTED);
    home.write("a.py", "import gone, b\n");
    home.write("b.py", "def old(): pass\n");
    let line = |line: &str| {
        let done = home.guard(&["exec", "-c", line]);
        (done.code, said(&done))
    };
    let fine = (Some(0), vec![]);
    // It was missing before.
    assert_eq!(line("printf 'import gone, b\\nx = 1\\n' > a.py"), fine);
    // What comes in the same change is there, and what goes in it is not.
    assert_eq!(line("printf 'x = 1\\n' > new.py; printf 'from new import x\\n' > c.py"), fine);
    let missing = "guard:content-imports: imports what is not there: `a.py:1:8: no module 'b'`";
    assert_eq!(line("rm b.py; printf 'import b, gone\\n' > a.py"), (Some(126), vec![missing.to_owned()]));
    let unnamed =
        "guard:content-names: imports a name that the module does not have: `d.py:1:15: 'b' has no name 'old'`";
    assert_eq!(
        line("printf 'def new(): pass\\n' > b.py; printf 'from b import old\\n' > d.py"),
        (Some(126), vec![unnamed.to_owned()])
    );
    // Moved elsewhere, what it imports from beside it is not beside it any more.
    home.write("pkg/__init__.py", "");
    home.write("pkg/one.py", "from .two import x\n");
    home.write("pkg/two.py", "x = 1\n");
    let moved = "guard:content-imports: imports what is not there: `other/one.py:1:18: no module '.two'`";
    assert_eq!(line("mkdir other; mv pkg/one.py other/one.py"), (Some(126), vec![moved.to_owned()]));
    assert_eq!(line("mkdir other; mv pkg/one.py pkg/two.py other/"), fine);
}

#[test]
fn a_folder_of_the_same_name_hides_neither_the_project_s_module_nor_an_installed_one() {
    let home = scene(WANTED);
    for (path, text) in [
        ("services/risk.py", "def check(): pass\n"),
        ("services/redis.py", "def cache(): pass\n"),
        ("shared/models.py", "class Order: pass\n"),
        ("tests/services/__init__.py", ""),
        ("tests/unit/shared/helper.py", ""),
        ("redis/redis.conf", "port 6379\n"),
        ("api/requirements.txt", "-r ../deps/base.txt\nhttpx==1.0\n"),
        ("deps/base.txt", "ccxt==4.0\n"),
        (".venv/pyvenv.cfg", "version = 3.11.2\n"),
        (".venv/lib/python3.11/site-packages/redis/__init__.py", "class Redis: pass\n"),
        // An editable installation of the project itself.
        (".venv/lib/python3.11/site-packages/own.pth", &format!("{}\n", home.project.display())),
    ] {
        home.write(path, text);
    }
    let sound = [
        ("tests/services/test_risk.py", "from services import risk\nfrom services.risk import check\n"),
        ("tests/unit/test_models.py", "from shared import models\nfrom shared.models import Order\n"),
        ("services/cache.py", "from redis import Redis\n"),
        ("main.py", "from redis import Redis\n"),
        // What a part of the project requires for itself, and what that includes.
        ("api/app.py", "import httpx, ccxt\n"),
    ];
    for (path, text) in sound {
        let done = writes(&home, path, text.as_bytes());
        assert_eq!((done.code, said(&done)), (Some(0), vec![]), "{path}: {}", done.stderr);
    }
    let unsound = [
        (
            "tests/services/test_a.py",
            "from services import risks\n",
            "imports what is not there: `tests/services/test_a.py:1:22: 'services' has",
        ),
        (
            "services/a.py",
            "from shared.models import Orders\n",
            "imports a name that the module does not have: `services/a.py:1:27:",
        ),
        ("services/a.py", "import httpx\n", "imports what is not there: `services/a.py:1:8: no module 'httpx'`"),
    ];
    for (path, text, expected) in unsound {
        let done = writes(&home, path, text.as_bytes());
        let said = said(&done);
        assert_eq!((done.code, said.len()), (Some(126), 1), "{path}: {}", done.stderr);
        assert!(said[0].contains(expected), "{said:?}");
    }
}

#[test]
fn what_a_module_only_mentions_does_not_give_it_every_name() {
    let home = scene(WANTED);
    home.write(
        "shared/models.py",
        "class Order:\n    def __getattr__(self, name): return vars(self)[name]\ndef rows(session): return session.exec(1)\nif (LIMIT := 1): pass\n",
    );
    let done = writes(&home, "services/a.py", b"from shared.models import LIMIT, Orders\n");
    let expected = "guard:content-names: imports a name that the module does not have: `services/a.py:1:34: 'shared.models' has no name 'Orders'`";
    assert_eq!((done.code, said(&done)), (Some(126), vec![expected.to_owned()]));
    assert_eq!(writes(&home, "services/a.py", b"from shared.models import LIMIT, Order\n").code, Some(0));
}
