//! Ways to files: outside the project, of the person, of the system; and what leads there.

use super::row::{Effect, Row, Who, bash, gets, python};

const MOUNTS: &str = "read-only mounts";
const HIDDEN: &str = "covered";

const fn alone(row: Row) -> Row {
    Row { alone: true, ..row }
}

pub(crate) const ROWS: &[Row] = &[
    bash("write to a file outside", MOUNTS, "echo x > $OUT/file"),
    bash("append to a file outside", MOUNTS, "echo x >> $OUT/file"),
    bash("truncate a file outside", MOUNTS, "truncate -s0 $OUT/file"),
    bash("remove a file outside", MOUNTS, "rm $OUT/file"),
    bash("rename a file outside", MOUNTS, "mv $OUT/file $OUT/file2"),
    bash("make a file outside", MOUNTS, "echo x > $OUT/new"),
    bash("make a folder outside", MOUNTS, "mkdir $OUT/new"),
    bash("make a symbolic link outside", MOUNTS, "ln -s /etc $OUT/new"),
    bash("make a named pipe outside", MOUNTS, "mkfifo $OUT/new"),
    bash("hard link outside", MOUNTS, "ln $OUT/file $OUT/new"),
    Row { source: "measured: landrun, nono", ..bash("chmod outside", MOUNTS, "chmod 777 $OUT/file") },
    Row { source: "measured: landrun, nono", ..bash("utimes outside", MOUNTS, "touch -d 2001-01-01 $OUT/file") },
    Row { source: "measured: landrun, nono", ..bash("chown outside", MOUNTS, "chown $(id -u) $OUT/file") },
    Row {
        source: "measured: landrun, nono",
        ..python("setxattr outside", MOUNTS, "os.setxattr(OUT + '/file', 'user.x', b'1')")
    },
    python(
        "change flags of a file outside (chattr)",
        MOUNTS,
        "\
f = os.open(OUT + '/file', os.O_RDONLY)
flags = bytearray(8)
fcntl.ioctl(f, 0x80086601, flags)
flags[0] |= 0x40  # no dump
fcntl.ioctl(f, 0x40086602, bytes(flags))",
    ),
    Row {
        needs: "python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(468, -100, b\"/\", ctypes.create_string_buffer(24), 24, 0) < 0)'",
        ..python(
            "change flags of a file outside (file_setattr, Linux 6.17)",
            MOUNTS,
            "\
about = ctypes.create_string_buffer(24)
call(468, -100, OUT.encode() + b'/file', about, 24, 0)
about[0] = about.raw[0] | 0x80  # no dump
call(469, -100, OUT.encode() + b'/file', about, 24, 0)",
        )
    },
    python(
        "write to a file outside through a mapping",
        MOUNTS,
        "\
f = os.open(OUT + '/file', os.O_RDWR)
m = mmap.mmap(f, 4); m[0] = 88; m.flush()",
    ),
    bash("write through a symbolic link out of the project", MOUNTS, "ln -s $OUT/file sub/l && echo x > sub/l"),
    bash("write through a hard link into the project", "another mount: EXDEV", "ln $OUT/file sub/l && echo x > sub/l"),
    bash("move a file outside into the project", MOUNTS, "mv $OUT/file sub/l"),
    python(
        "race a folder against a symbolic link to the outside",
        MOUNTS,
        "\
os.makedirs('sub/d'); os.symlink(OUT + '/folder', 'sub/l')
end = time.time() + 0.3
def swap():
    while time.time() < end: LIBC.renameat2(-100, b'sub/d', -100, b'sub/l', 2)
threading.Thread(target=swap).start()
while time.time() < end:
    try: open('sub/d/raced', 'a').write('x')
    except OSError as error: said = error
print(said, file=sys.stderr)",
    ),
    python(
        "race a hard link against a write",
        "another mount: EXDEV",
        "\
end = time.time() + 0.2
while time.time() < end:
    try: os.link(OUT + '/file', 'sub/l'); open('sub/l', 'w').write('x'); os.unlink('sub/l')
    except OSError as error: said = error
print(said, file=sys.stderr)",
    ),
    bash("write by /proc/self/cwd", MOUNTS, "cd -P /proc/self/cwd/../.. && echo x > out/file"),
    bash("write by /proc/self/root", MOUNTS, "echo x > /proc/self/root$OUT/file"),
    bash("write by the root of the parent", MOUNTS, "echo x > /proc/$FIRST/root$OUT/file"),
    bash("write by the working folder of the parent", MOUNTS, "echo x > /proc/$FIRST/cwd/../../out/file"),
    Row {
        source: "CVE-2024-21626 (runc)",
        ..python(
            "write by a folder in /proc/self/fd",
            MOUNTS,
            "\
f = os.open('.', os.O_PATH)
open('/proc/self/fd/%d/../../out/file' % f, 'w').write('x')",
        )
    },
    Row {
        source: "CVE-2024-21626 (runc)",
        ..bash("write through an inherited descriptor", "descriptors are closed", "echo x >&9")
    },
    bash("open an inherited descriptor anew", "descriptors are closed", "echo x > /proc/self/fd/9"),
    bash("write into a named pipe outside", "Landlock", "exec 3<>$OUT/pipe; echo x >&3"),
    bash("rename the project", "mount point", "cd / && mv $PROJECT $PROJECT.moved"),
    Row {
        who: Who::Root,
        source: "Shocker (docker, 2014)",
        ..python(
            "open a file outside by its handle",
            "seccomp",
            "\
handle, mount = (ctypes.c_int * 34)(128), ctypes.c_int()
call(303, -100, OUT.encode() + b'/file', handle, ctypes.byref(mount), 0)
f = os.open('/', os.O_RDONLY)
os.write(call(304, f, handle, os.O_WRONLY), b'x')",
        )
    },
    Row { who: Who::Root, ..bash("make a device", "seccomp, no capabilities", "mknod sub/node c 1 3") },
    Row { who: Who::Root, ..bash("make a device outside", MOUNTS, "mknod $OUT/new c 1 3") },
    Row {
        who: Who::Root,
        effect: Effect::Got,
        ..bash("open the disk", "private /dev", "head -c0 /dev/$(ls /sys/class/block | head -n1)")
    },
    Row {
        who: Who::Root,
        effect: Effect::Got,
        ..bash(
            "open the disk by a node of one's own",
            "no capabilities, nodev",
            "\
read -r major minor < <(cat /sys/class/block/*/dev | tr : ' ')
mknod sub/disk b $major $minor && head -c0 sub/disk; code=$?; rm -f sub/disk; exit $code",
        )
    },
    Row { who: Who::Root, ..bash("plant a file in /etc", MOUNTS, "echo '# nothing' > /etc/guard.escape.$NAME") },
    Row { who: Who::Root, ..bash("plant a cron table", MOUNTS, "echo '# nothing' > /etc/cron.d/guard.escape.$NAME") },
    Row {
        who: Who::Root,
        ..bash("plant a program on everybody's PATH", MOUNTS, "echo > /usr/local/bin/guard.escape.$NAME")
    },
    Row { who: Who::Root, ..bash("plant a file in root's home", MOUNTS, "echo > /root/guard.escape.$NAME") },
    bash("change ~/.bashrc", MOUNTS, "echo x >> $HOME/.bashrc"),
    bash("change ~/.gitconfig", MOUNTS, "printf '[core]\\n\\tfsmonitor = x\\n' >> $HOME/.gitconfig"),
    bash("make a key of one's own authorized", HIDDEN, "echo x >> $HOME/.ssh/authorized_keys"),
    bash(
        "make a unit or autostart entry",
        MOUNTS,
        "mkdir -p $HOME/.config/autostart && echo x > $HOME/.config/autostart/x",
    ),
    bash("plant a program in ~/bin", MOUNTS, "mkdir -p $HOME/bin && echo x > $HOME/bin/git"),
    bash("read a private key", HIDDEN, "cat $HOME/.ssh/id_ed25519"),
    bash("read a private key by the root of the parent", HIDDEN, "cat /proc/$FIRST/root$HOME/.ssh/id_ed25519"),
    bash("leave a file in /tmp", "private /tmp", "echo > /tmp/guard.escape.$NAME"),
    bash("leave a file in /dev/shm", "private /dev/shm", "echo > /dev/shm/guard.escape.$NAME"),
    bash("change the policy", "read-only mount", "echo x >> guard.toml"),
    bash("replace the policy", "mount point", "echo x > sub/p && mv sub/p guard.toml"),
    bash("remove the policy", "mount point", "rm guard.toml"),
    bash("change the policy's mode", "read-only mount", "chmod 777 guard.toml"),
    bash("change the policy by a hard link", "another mount: EXDEV", "ln guard.toml sub/alias && echo x > sub/alias"),
    bash("change the person's policy", HIDDEN, "echo x >> $HOME/.config/guard/policy.toml"),
    Row { effect: Effect::Got, ..bash("read the log", HIDDEN, "grep -q . build_audit.log") },
    bash("truncate the log", HIDDEN, ": > build_audit.log"),
    bash("rewrite the log", HIDDEN, "printf forged | dd of=build_audit.log conv=notrunc status=none"),
    bash("remove the log", HIDDEN, "rm build_audit.log"),
    bash("put another log in its place", HIDDEN, "echo forged > sub/l && mv sub/l build_audit.log"),
    Row { effect: Effect::Got, ..bash("read guard's state", HIDDEN, "ls $STATE/*/trusted.toml") },
    Row {
        effect: Effect::Got,
        ..bash("write to guard's state", HIDDEN, "for folder in $STATE/*/; do echo x > $folder/escaped; done")
    },
    gets(
        "read guard's state by the root of the parent",
        HIDDEN,
        "os.listdir('/proc/%d/root/%s' % (FIRST, STATE)) or 1/0",
    ),
    alone(python(
        "forge an opaque folder of the overlay",
        "change set",
        "os.setxattr('sub', 'user.overlay.opaque', b'y')",
    )),
    alone(python(
        "forge a redirect of the overlay",
        "change set",
        "\
os.mkdir('sub/d'); os.setxattr('sub/d', 'user.overlay.redirect', b'/out')",
    )),
    alone(python("forge a whiteout of the overlay", "change set", "os.mknod('sub/w', 0o20000, 0)")),
    alone(bash("leave a set-uid program in the project", "change set", "cp /bin/true sub/t && chmod 6755 sub/t")),
];
