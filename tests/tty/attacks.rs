//! A command that has a terminal of its own, and the person's, which it must not reach.

use super::{Screen, home};

/// TIOCSTI (CVE-2005-4890, CVE-2016-7545, CVE-2017-5226), the person's terminal by its name and by whatever descriptor there may
/// be, other sides of its own, and what holds a terminal up.
const WAYS: &str = r#"
import fcntl, glob, os, struct, sys, termios
print('descriptors', [int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)])
def tried(what, way):
    try:
        way()
        print('OPEN', what)
    except OSError:
        print('held', what)
def inject(fd):
    for byte in b'touch escaped\n':
        fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))
tried('typed', lambda: inject(0))
def high():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ioctl(0, ctypes.c_ulong(0x100005412), b'x'): raise OSError(ctypes.get_errno(), 'high')
tried('typed with high bits', high)
tried('console', lambda: fcntl.ioctl(0, 0x541d))
tried('linux', lambda: fcntl.ioctl(0, 0x541c, b'\x03'))
tried('discipline', lambda: fcntl.ioctl(0, termios.TIOCSETD, struct.pack('i', 2)))
tried('exclusive', lambda: fcntl.ioctl(0, termios.TIOCEXCL))
tried('name', lambda: os.write(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), b'ESCAPED'))
def others():
    own = os.fstat(0)
    for path in glob.glob('/dev/pts/[0-9]*') + glob.glob('/proc/[0-9]*/fd/*') + ['/dev/console', '/dev/tty0', '/dev/tty1']:
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        except OSError:
            continue
        found = os.fstat(fd)
        if os.isatty(fd) and (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino):
            os.write(fd, b'ESCAPED')
            return
    raise OSError('none')
tried('another terminal', others)
print('same', all(os.fstat(fd).st_ino == os.fstat(0).st_ino for fd in (0, 1, 2)))
master = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)
print('new', struct.unpack('I', fcntl.ioctl(master, 0x80045430, b'    '))[0])
"#;

#[test]
fn a_command_with_a_terminal_reaches_no_other_and_types_into_none() {
    let home = home();
    home.write("ways.py", WAYS);
    let mut screen = Screen::of(&home, |command| {
        let line = format!(
            "{} exec --tty -- python3 ways.py \"$(tty)\"; read -t 1 -r rest; echo \"left <$rest>\"",
            env!("CARGO_BIN_EXE_guard")
        );
        command.args(["bash", "-c", &line]);
    });
    let (_, shown) = screen.end();
    let expected = "descriptors [0, 1, 2]\r\nheld typed\r\nheld typed with high bits\r\nheld console\r\nheld linux\r\nheld discipline\r\nheld exclusive\r\n\
                    held name\r\nheld another terminal\r\nsame True\r\nnew 1\r\nleft <>\r\n";
    assert_eq!(shown, expected);
    assert!(!home.project.join("escaped").exists());
}

/// Two commands side by side have terminals of two fences: of the same name, and each reaches only its own.
#[test]
fn terminals_of_two_fences_are_two() {
    // Of two projects: in one, the second would wait its turn.
    let (home, other) = (home(), home());
    let line = "tty; echo rea''dy; read -r word; echo \"got $word\"";
    let (mut one, mut two) =
        (Screen::guard(&home, &["exec", "--tty", "-c", line]), Screen::guard(&other, &["exec", "--tty", "-c", line]));
    for screen in [&mut one, &mut two] {
        screen.until("/dev/pts/0\r\nready\r\n");
    }
    one.types("first\r");
    two.types("second\r");
    assert_eq!(one.end().1, "first\r\ngot first\r\n");
    assert_eq!(two.end().1, "second\r\ngot second\r\n");
}

/// A terminal answers what is printed on it (its kind, the place of the cursor). Such an answer goes to the command, never to
/// whoever has the terminal next.
#[test]
fn what_the_terminal_answers_after_the_end_is_typed_into_nothing() {
    let home = home();
    let mut screen = Screen::of(&home, |command| {
        let line = format!(
            "{} exec --tty -c 'echo asked; sleep 1; exit 0'; read -t 1 -r rest; echo \"left <$rest>\"",
            env!("CARGO_BIN_EXE_guard")
        );
        command.args(["bash", "-c", &line]);
    });
    screen.until("asked");
    screen.types("touch escaped\r");
    let (_, shown) = screen.end();
    assert!(shown.contains("left <>"), "{shown:?}");
    assert!(!home.project.join("escaped").exists());
}
