//! Ways to type into the caller's terminal, or to write on it.

use super::row::{Row, bash, python};

const fn at_terminal(row: Row) -> Row {
    Row { terminal: true, ..row }
}

const READS: &str = "terminal is for reading";

pub(crate) const ROWS: &[Row] = &[
    Row {
        needs: "grep -qx 1 /proc/sys/dev/tty/legacy_tiocsti",
        source: "CVE-2017-5226 (bubblewrap)",
        ..at_terminal(python(
            "type into the caller's terminal",
            "seccomp",
            "\
for letter in b'ESCAPED': call(16, 0, 0x5412, bytes([letter]))",
        ))
    },
    Row {
        needs: "grep -qx 1 /proc/sys/dev/tty/legacy_tiocsti",
        source: "CVE-2019-10063 (flatpak)",
        ..at_terminal(python(
            "type into the caller's terminal, high bits set",
            "seccomp",
            "\
for letter in b'ESCAPED': call(16, 0, 0xdead00005412, bytes([letter]))",
        ))
    },
    at_terminal(bash("write to the terminal", READS, "echo ESCAPED >&0")),
    at_terminal(bash("open the terminal anew by /proc/self/fd/0", READS, "echo ESCAPED > /proc/self/fd/0")),
    at_terminal(bash("open the terminal by /dev/tty", "no terminal in its session", "echo ESCAPED > /dev/tty")),
    at_terminal(bash("open the terminal by its name", "private /dev", "echo ESCAPED > $(readlink /proc/self/fd/0)")),
    at_terminal(python(
        "send stop characters of one's own choice to the terminal",
        "seccomp",
        "\
for letter in b'ESCAPED':
    mode = termios.tcgetattr(0)
    mode[6][termios.VSTOP] = bytes([letter]); mode[0] |= termios.IXOFF
    termios.tcsetattr(0, termios.TCSANOW, mode)
    termios.tcflow(0, termios.TCIOFF)",
    )),
];
