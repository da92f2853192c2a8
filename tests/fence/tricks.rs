//! Ways to take a part of the kernel away from guard, for real: each a snippet for `sh`, which starts what follows it.

/// A program for Python that forbids system calls by a seccomp filter, as a container's profile does, and becomes what
/// follows; `RULES` are lines of number, argument, mask and answer.
const FILTER: &str = r"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def stmt(code, k, jt=0, jf=0): return struct.pack('HBBI', code, jt, jf, k)
program = stmt(0x20, 4) + stmt(0x15, 0xc000003e, 1, 0) + stmt(6, 0x7fff0000)
for number, argument, mask, answer in [RULES]:
    program += stmt(0x20, 0)
    if mask:
        program += stmt(0x15, number, 0, 3) + stmt(0x20, 16 + 8 * argument) + stmt(0x45, mask, 0, 1) + stmt(6, answer)
    else:
        program += stmt(0x15, number, 0, 1) + stmt(6, answer)
program += stmt(6, 0x7fff0000)
text = ctypes.create_string_buffer(program)
class Program(ctypes.Structure): _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Program(len(program) // 8, ctypes.addressof(text))), 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
";

/// A program for Python that answers guard's question for Landlock's version with another one, by tracing it, and ends as it does.
const OLD: &str = r"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def stmt(code, k, jt=0, jf=0): return struct.pack('HBBI', code, jt, jf, k)
program = stmt(0x20, 0) + stmt(0x15, 444, 0, 3) + stmt(0x20, 32) + stmt(0x15, 1, 0, 1) + stmt(6, 0x7ff00000)
program += stmt(6, 0x7fff0000)
text = ctypes.create_string_buffer(program)
class Program(ctypes.Structure): _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
child = os.fork()
if child == 0:
    libc.ptrace(0, 0, None, None)
    os.kill(os.getpid(), 19)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(Program(len(program) // 8, ctypes.addressof(text))), 0, 0) == 0
    os.execvp(sys.argv[1], sys.argv[1:])
os.waitpid(child, 0)
libc.ptrace(0x4200, child, None, 0x80 | 0x100000)
signal = 0
while True:
    libc.ptrace(7, child, None, signal)
    _, status = os.waitpid(child, 0x40000000)
    if not os.WIFSTOPPED(status): sys.exit(os.waitstatus_to_exitcode(status) % 256)
    signal = os.WSTOPSIG(status)
    if status >> 8 == 5 | 7 << 8:
        registers = (ctypes.c_ulonglong * 27)()
        libc.ptrace(12, child, None, registers)
        registers[15], registers[10] = 2 ** 64 - 1, VERSION
        libc.ptrace(13, child, None, registers)
        signal = 0
    elif signal == 5: signal = 0
";

fn python(program: &str) -> String {
    format!("exec /usr/bin/python3 -SEc '{}' \"$0\" \"$@\"", program.replace('\'', "'\\''"))
}

/// A rule of [`FILTER`]: the call fails so.
fn fails(number: u32, errno: u32) -> String {
    format!("({number}, 0, 0, {}), ", 0x5_0000 | errno)
}

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// Everything is there.
pub(crate) const WHOLE: &str = "exec \"$0\" \"$@\"";

/// Docker's default profile without `CAP_SYS_ADMIN`: no `unshare`, no namespaces for `clone`, no `clone3`.
pub(crate) fn forbids_namespaces() -> String {
    let clone = format!("(56, 0, 0x7e020000, {}), ", 0x5_0000 | EPERM);
    python(&FILTER.replace("RULES", &(fails(272, EPERM) + &clone + &fails(435, ENOSYS))))
}

/// Ubuntu's AppArmor for programs it does not know: a user namespace can be made and gives no right to mount.
pub(crate) fn forbids_mounts() -> String {
    let calls = [165, 428, 429, 442].map(|number| fails(number, EPERM)).concat();
    python(&FILTER.replace("RULES", &calls))
}

/// A kernel in whose user namespaces no overlay can be had, as before Linux 5.11.
pub(crate) fn without_overlays() -> String {
    python(&FILTER.replace("RULES", &fails(430, EPERM)))
}

/// A kernel without Landlock.
pub(crate) fn without_landlock() -> String {
    python(&FILTER.replace("RULES", &[444, 445, 446].map(|number| fails(number, ENOSYS)).concat()))
}

/// Neither.
pub(crate) fn without_anything() -> String {
    let clone = format!("(56, 0, 0x7e020000, {}), ", 0x5_0000 | EPERM);
    let calls = [444, 445, 446].map(|number| fails(number, ENOSYS)).concat();
    python(&FILTER.replace("RULES", &(calls + &clone + &fails(435, ENOSYS))))
}

/// A kernel whose Landlock is older.
pub(crate) fn old_landlock(version: u32) -> String {
    python(&OLD.replace("VERSION", &version.to_string()))
}

/// The same where namespaces are forbidden as well: only guard itself is traced, so the filter comes first.
pub(crate) fn old_landlock_alone(version: u32) -> String {
    let inner = python(&OLD.replace("VERSION", &version.to_string()));
    forbids_namespaces()
        .replace("\"$0\" \"$@\"", &format!("/bin/sh -c '{}' \"$0\" \"$@\"", inner.replace('\'', "'\\''")))
}
