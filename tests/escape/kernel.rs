//! Calls that reach past other checks, and the kernel's own switches.

use super::row::{Row, Who, gets, root_gets};

const SECCOMP: &str = "seccomp";
const SWITCH: &str = "read-only /proc";

pub(crate) const ROWS: &[Row] = &[
    gets("make a user namespace", SECCOMP, "call(272, 0x10000000)"),
    gets("make a user namespace by clone", SECCOMP, "if call(56, 0x10000000 | 17, 0, 0, 0, 0) == 0: os._exit(0)"),
    gets(
        "make a user namespace by clone3",
        SECCOMP,
        "\
if call(435, (ctypes.c_ulong * 11)(0x10000000, 0, 0, 0, 17), 88) == 0: os._exit(0)",
    ),
    gets("mount in namespaces of one's own", SECCOMP, "bash('unshare -rm mount -t tmpfs none /mnt')"),
    gets("make a network of one's own", SECCOMP, "bash('unshare -rn true')"),
    root_gets(
        "mount",
        "no capabilities, seccomp",
        "\
call(165, b'none', b'sub', b'tmpfs', 0, 0); call(166, b'sub', 0)",
    ),
    root_gets("open a file system (fsopen)", SECCOMP, "call(430, b'tmpfs', 0)"),
    root_gets("copy a mount (open_tree)", SECCOMP, "call(428, -100, b'/', 1)"),
    root_gets(
        "change a mount (mount_setattr)",
        SECCOMP,
        "\
call(442, -100, b'/', 0, (ctypes.c_ulong * 4)(), 32)",
    ),
    root_gets("change the root (chroot)", "no capabilities, seccomp", "os.chroot('/')"),
    Row {
        source: "CVE-2022-0492 (cgroups v1, release_agent)",
        who: Who::Root,
        needs: "test -w /sys/fs/cgroup/memory",
        ..gets(
            "make a control group",
            "read-only mounts",
            "\
os.mkdir('/sys/fs/cgroup/memory/guard.escape'); os.rmdir('/sys/fs/cgroup/memory/guard.escape')",
        )
    },
    Row {
        source: "CVE-2022-0492 (cgroups v1, release_agent)",
        who: Who::Root,
        needs: "test -w /sys/fs/cgroup/memory/release_agent",
        ..gets("open a release agent", "read-only mounts", "open('/sys/fs/cgroup/memory/release_agent', 'r+')")
    },
    root_gets(
        "set the domain name (/proc/sys)",
        SWITCH,
        "\
at = '/proc/sys/kernel/domainname'; name = open(at).read(); open(at, 'w').write(name)",
    ),
    root_gets(
        "set the program that gets core dumps",
        SWITCH,
        "\
at = '/proc/sys/kernel/core_pattern'; name = open(at).read(); open(at, 'w').write(name)",
    ),
    Row {
        needs: "test -e /proc/sys/kernel/modprobe",
        ..root_gets("set the program that loads modules", SWITCH, "open('/proc/sys/kernel/modprobe', 'r+')")
    },
    Row {
        needs: "test -e /proc/sysrq-trigger",
        ..root_gets("reach the magic keys", SWITCH, "open('/proc/sysrq-trigger', 'w')")
    },
    Row {
        needs: "test -e /sys/kernel/uevent_helper",
        ..root_gets(
            "set the program that hears of devices",
            "read-only mounts",
            "open('/sys/kernel/uevent_helper', 'r+')",
        )
    },
    Row {
        source: "CVE-2022-0185 and others (user namespaces, fsconfig)",
        ..gets("configure a file system in a user namespace", SECCOMP, "call(272, 0x10020000); call(430, b'ext4', 0)")
    },
    gets("use keys of the session", SECCOMP, "call(250, 0, -3, 1, 0, 0)"),
    gets("add a key", SECCOMP, "call(248, b'user', b'guard.escape', b'x', 1, -2)"),
    gets("handle page faults in user mode", SECCOMP, "call(323, 1)"),
    root_gets("load a program into the kernel (bpf)", SECCOMP, "call(321, 0, (ctypes.c_int * 32)(2, 4, 4, 1), 72)"),
    root_gets(
        "measure the kernel (perf_event_open)",
        SECCOMP,
        "\
call(298, (ctypes.c_uint * 32)(1, 112), 0, -1, -1, 0)",
    ),
    root_gets("watch all files (fanotify)", SECCOMP, "call(300, 0, 0)"),
    root_gets("read the kernel's log", SECCOMP, "call(103, 10, 0, 0)"),
    root_gets("write to the kernel's log", "private /dev", "os.open('/dev/kmsg', os.O_WRONLY)"),
    root_gets("set the host's name", SECCOMP, "n = os.uname().nodename.encode(); call(170, n, len(n))"),
    root_gets("talk to ports of the machine (iopl)", SECCOMP, "call(172, 3)"),
    root_gets("have another disk (loop-control)", "private /dev", "open('/dev/loop-control', 'r+')"),
    Row { needs: "test -r /dev/kvm", ..gets("run a virtual machine (kvm)", "private /dev", "open('/dev/kvm')") },
    Row {
        needs: "test -w /dev/fuse",
        ..gets("serve a file system (fuse)", "private /dev", "open('/dev/fuse', 'r+b', 0)")
    },
    Row {
        needs: "test -r /dev/userfaultfd",
        ..gets("handle page faults in user mode by its device", "private /dev", "open('/dev/userfaultfd', 'rb', 0)")
    },
];
