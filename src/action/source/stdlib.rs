//! The modules of Python's standard library, and those of common distributions whose names differ from theirs.
//! Knows nothing of what is installed.

use super::PythonVersion;

/// Source: `sys.stdlib_module_names` of CPython 3.11.
const NAMES: &str = "__future__ _abc _aix_support _ast _asyncio _bisect _blake2 _bootsubprocess _bz2 _codecs _codecs_cn _codecs_hk \
    _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections _collections_abc _compat_pickle _compression \
    _contextvars _crypt _csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree _frozen_importlib \
    _frozen_importlib_external _functools _gdbm _hashlib _heapq _imp _io _json _locale _lsprof _lzma _markupbase \
    _md5 _msi _multibytecodec _multiprocessing _opcode _operator _osx_support _overlapped _pickle _posixshmem \
    _posixsubprocess _py_abc _pydecimal _pyio _queue _random _scproxy _sha1 _sha256 _sha3 _sha512 _signal \
    _sitebuiltins _socket _sqlite3 _sre _ssl _stat _statistics _string _strptime _struct _symtable _thread \
    _threading_local _tkinter _tokenize _tracemalloc _typing _uuid _warnings _weakref _weakrefset _winapi _zoneinfo \
    abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect \
    builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall \
    concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm \
    decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput \
    fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq \
    hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 \
    linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt \
    multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib \
    pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd \
    py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy \
    sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd \
    sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau \
    symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit \
    tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata \
    unittest urllib uu uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp \
    zipfile zipimport zlib zoneinfo";

/// What came or went in other versions, with the version it came in and the one it was gone in. Source: "What's New in
/// Python" 3.8 to 3.14.
const OTHERS: [(&str, PythonVersion, PythonVersion); 37] = [
    ("annotationlib", (3, 14), NEVER),
    ("compression", (3, 14), NEVER),
    ("graphlib", (3, 9), NEVER),
    ("tomllib", (3, 11), NEVER),
    ("zoneinfo", (3, 9), NEVER),
    ("_bootlocale", ALWAYS, (3, 10)),
    ("binhex", ALWAYS, (3, 11)),
    ("dummy_threading", ALWAYS, (3, 9)),
    ("formatter", ALWAYS, (3, 10)),
    ("macpath", ALWAYS, (3, 8)),
    ("parser", ALWAYS, (3, 10)),
    ("symbol", ALWAYS, (3, 10)),
    ("asynchat", ALWAYS, (3, 12)),
    ("asyncore", ALWAYS, (3, 12)),
    ("distutils", ALWAYS, (3, 12)),
    ("imp", ALWAYS, (3, 12)),
    ("smtpd", ALWAYS, (3, 12)),
    ("aifc", ALWAYS, (3, 13)),
    ("audioop", ALWAYS, (3, 13)),
    ("cgi", ALWAYS, (3, 13)),
    ("cgitb", ALWAYS, (3, 13)),
    ("chunk", ALWAYS, (3, 13)),
    ("crypt", ALWAYS, (3, 13)),
    ("imghdr", ALWAYS, (3, 13)),
    ("lib2to3", ALWAYS, (3, 13)),
    ("mailcap", ALWAYS, (3, 13)),
    ("msilib", ALWAYS, (3, 13)),
    ("nis", ALWAYS, (3, 13)),
    ("nntplib", ALWAYS, (3, 13)),
    ("ossaudiodev", ALWAYS, (3, 13)),
    ("pipes", ALWAYS, (3, 13)),
    ("sndhdr", ALWAYS, (3, 13)),
    ("spwd", ALWAYS, (3, 13)),
    ("sunau", ALWAYS, (3, 13)),
    ("telnetlib", ALWAYS, (3, 13)),
    ("uu", ALWAYS, (3, 13)),
    ("xdrlib", ALWAYS, (3, 13)),
];

const ALWAYS: PythonVersion = (0, 0);
const NEVER: PythonVersion = (u8::MAX, u8::MAX);

/// Whether `name` is a module of the standard library of that version, on any platform.
pub fn is_standard(name: &str, version: PythonVersion) -> bool {
    match OTHERS.iter().find(|(other, _, _)| *other == name) {
        Some((_, from, gone)) => (*from..*gone).contains(&version),
        None => name == "__main__" || NAMES.split_whitespace().any(|known| known == name),
    }
}

/// Whether a module of the standard library came or went with some version.
pub fn is_moving(name: &str) -> bool {
    OTHERS.iter().any(|(other, _, _)| *other == name)
}

/// Modules whose distribution has another name, or comes with another distribution. Source: the distributions' own pages on
/// PyPI (`top_level.txt` and requirements of each).
const PROVIDED: &[(&str, &[&str])] = &[
    ("attr", &["attrs"]),
    ("bs4", &["beautifulsoup4"]),
    ("bson", &["pymongo"]),
    ("click", &["flask", "black", "uvicorn", "typer"]),
    ("corsheaders", &["django-cors-headers"]),
    ("crypto", &["pycryptodome", "pycrypto"]),
    ("cryptodome", &["pycryptodomex"]),
    ("cv2", &["opencv-python", "opencv-python-headless", "opencv-contrib-python"]),
    ("cycler", &["matplotlib"]),
    ("dns", &["dnspython"]),
    ("fitz", &["pymupdf"]),
    ("git", &["gitpython"]),
    ("googleapiclient", &["google-api-python-client"]),
    ("grpc", &["grpcio"]),
    ("httpcore", &["httpx"]),
    ("jinja2", &["flask"]),
    ("jwt", &["pyjwt"]),
    ("markupsafe", &["flask", "jinja2"]),
    ("mpl_toolkits", &["matplotlib"]),
    ("mysqldb", &["mysqlclient"]),
    ("nacl", &["pynacl"]),
    ("numpy", &["pandas", "scipy", "scikit-learn", "matplotlib", "torch"]),
    ("openssl", &["pyopenssl"]),
    ("pil", &["pillow"]),
    ("pkg_resources", &["setuptools"]),
    ("pluggy", &["pytest"]),
    ("pydantic", &["fastapi", "pydantic-settings"]),
    ("pylab", &["matplotlib"]),
    ("rest_framework", &["djangorestframework"]),
    ("serial", &["pyserial"]),
    ("skimage", &["scikit-image"]),
    ("sklearn", &["scikit-learn"]),
    ("starlette", &["fastapi"]),
    ("talib", &["ta-lib"]),
    ("urllib3", &["requests"]),
    ("usb", &["pyusb"]),
    ("werkzeug", &["flask"]),
    ("win32api", &["pywin32"]),
    ("yaml", &["pyyaml"]),
    ("zmq", &["pyzmq"]),
    ("_pytest", &["pytest"]),
    ("_yaml", &["pyyaml"]),
];

/// Whether a distribution, by its normal name, may well hold the top-level module `module`.
pub fn may_hold(distribution: &str, module: &str) -> bool {
    let module = module.to_lowercase();
    let plain = super::pins::normal(&module);
    let alike = distribution == plain
        || distribution.split('-').any(|part| part == plain)
        || distribution.starts_with(&format!("{plain}-"))
        || distribution.ends_with(&format!("-{plain}"))
        || distribution.replace('-', "") == plain.replace('-', "")
        || distribution.strip_prefix("types-").is_some_and(|of| of == plain);
    let provided = PROVIDED.iter().filter(|(name, _)| *name == module);
    alike || provided.flat_map(|(_, by)| *by).any(|by| *by == distribution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_is_that_of_a_version() {
        let table = [
            ("os", (3, 8), true),
            ("sys", (3, 14), true),
            ("tomllib", (3, 10), false),
            ("tomllib", (3, 11), true),
            ("distutils", (3, 11), true),
            ("distutils", (3, 12), false),
            ("requests", (3, 11), false),
            ("Os", (3, 11), false),
            ("", (3, 11), false),
        ];
        for (name, version, expected) in table {
            assert_eq!(is_standard(name, version), expected, "{name} {version:?}");
        }
    }

    #[test]
    fn a_distribution_holds_a_module_of_its_name_or_of_a_known_other() {
        let holds = [
            ("requests", "requests"),
            ("flask-sqlalchemy", "flask_sqlalchemy"),
            ("pyyaml", "yaml"),
            ("python-dateutil", "dateutil"),
            ("google-cloud-storage", "google"),
            ("pillow", "PIL"),
            ("psycopg2-binary", "psycopg2"),
            ("fastapi", "pydantic"),
            ("discord-py", "discord"),
        ];
        for (distribution, module) in holds {
            assert!(may_hold(distribution, module), "{distribution} {module}");
        }
        for (distribution, module) in [("requests", "request"), ("pyyaml", "toml"), ("numpy", "pandas")] {
            assert!(!may_hold(distribution, module), "{distribution} {module}");
        }
    }
}
