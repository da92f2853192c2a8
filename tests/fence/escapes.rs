//! Ways out of the fence. Each first succeeds without it, or the test would prove nothing, and then fails within.

use super::stage::{Kept, Stage, root, unfenced};
use guard::execute::sandbox::Work;
use guard::execute::{Level, prepare_order};
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::{Child, Command, Stdio};

/// A process that ends with its test.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `line` without a fence, where it must succeed, and within, where it must not, each in a fresh project.
fn held(line: &str) {
    let open = Stage::new();
    let (code, said) = unfenced(&open, line);
    assert_eq!(code, Some(0), "succeeds unfenced: {line}\n{said}");
    let stage = Stage::new();
    let seen = stage.line(line);
    assert_ne!(seen.code, 0, "held: {line}\n{seen:?}");
    assert_eq!(fs::read_to_string(stage.outside()).unwrap(), "untouched", "{line}");
}

/// As [`held`], for Python.
fn held_python(code: &str) {
    assert!(!code.contains('\''), "single quotes are for bash");
    held(&format!("/usr/bin/python3 -S -c '\nimport ctypes, fcntl, os, socket, sys, termios\n{code}'"));
}

/// A system call that must work unfenced: its number on x86_64 and its arguments.
fn held_call(call: &str) {
    held_python(&format!(
        "libc = ctypes.CDLL(None, use_errno=True)\nr = libc.syscall({call})\nsys.exit(0 if r >= 0 else ctypes.get_errno())"
    ));
}

#[test]
fn nothing_outside_is_written_or_changed() {
    for line in [
        "echo x > ../outside",
        "echo x >> ../outside",
        "truncate -s0 ../outside",
        "rm ../outside",
        "mv ../outside ../o2",
        "touch ../new",
        "mkdir ../new",
        "ln -s x ../new",
        "mkfifo ../new",
        "ln ../outside ../new",
        // Landlock alone allows these (landrun, nono): chmod, times, attributes, owners.
        "chmod 777 ../outside",
        "touch -d 2001-01-01 ../outside",
        "chown $(id -u) ../outside",
        "ln -s ../outside l && echo x > l",
        "cd -P /proc/self/cwd/.. && echo x > outside",
    ] {
        held(line);
    }
    held_python("os.setxattr(\"../outside\", \"user.x\", b\"1\")");
    held_python("os.rename(os.getcwd(), \"../renamed\")");
    held_python("os.link(\"guard.toml\", \"alias\"); open(\"alias\", \"w\").write(\"x\")");
}

/// Removing or renaming over a mount point takes the mount away in every namespace: where the project is read-only that cannot
/// be stopped from within, but it is told. An overlay has mount points of its own.
#[test]
fn a_cover_that_was_taken_away_from_outside_during_a_run_is_told() {
    let mut stage = Stage::new();
    stage.writes = false;
    let told = |stage: &Stage, outside: &str| {
        for left in ["up", "go"] {
            let _none = fs::remove_file(stage.place.project.join(left));
        }
        let (order, _kept) = stage.order(Work::Line("echo up; while ! test -e go; do sleep 0.01; done".into()));
        let prepared = prepare_order(order, &stage.place, &stage.environment, Level::Full).unwrap();
        let project = stage.place.project.clone();
        let line = format!("sleep 0.5; {outside}; touch go");
        let mut other = Command::new("bash").args(["-c", &line]).current_dir(&project).spawn().unwrap();
        let outcome = prepared.run(&mut Kept::default()).unwrap();
        assert!(other.wait().unwrap().success() && outcome.exit_code == 0);
        let name = |text: &String| {
            text.split('`').nth(1).unwrap().strip_prefix(project.to_str().unwrap()).unwrap()[1..].to_owned()
        };
        outcome.fence.missing.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(told(&stage, "true"), Vec::<String>::new());
    assert_eq!(told(&stage, "rm build_audit.log; touch build_audit.log"), ["build_audit.log"]);
}

#[test]
fn the_log_and_the_state_are_out_of_sight() {
    for line in [
        "grep log build_audit.log",
        "echo x >> build_audit.log",
        "rm build_audit.log",
        "mv build_audit.log x",
        "grep secret ../state/key",
        "ls ../state/key",
        "touch ../state/new",
        "rm -r ../state",
    ] {
        held(line);
    }
}

#[test]
fn nothing_outside_is_reached_by_any_kind_of_socket() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (port, datagrams) = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    held(&format!("echo x > /dev/tcp/127.0.0.1/{port}"));
    held_python(&format!("socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect((\"127.0.0.1\", {port}))"));
    held_python(&format!(
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM).sendto(b\"x\", 0x20000000, (\"127.0.0.1\", {port}))"
    ));
    held_python(&format!(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\", (\"127.0.0.1\", {datagrams}))"
    ));
    held_python("s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen()");
    held_python("socket.socket().listen()");
    held_python("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)");
    held_python("socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)");
    held_call("41, 40, 1, 0"); // vsock
    if root() {
        held_python("socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300)");
        held_python("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)");
    }

    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new();
    let name = format!("guard-test-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    held_python(&format!("socket.socket(socket.AF_UNIX).connect(\"\\0{name}\")"));
    let paths = [folder.path().join("s"), stage.root.path().join("s")];
    let _listeners = paths.clone().map(|p| UnixListener::bind(p).unwrap());
    for path in &paths {
        held_python(&format!("socket.socket(socket.AF_UNIX).connect({path:?})"));
    }
    let path = stage.root.path().join("d");
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    for kind in ["socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)", "socket.socketpair(type=socket.SOCK_DGRAM)[0]"] {
        held_python(&format!("{kind}.sendto(b\"x\", {path:?})"));
        held_python(&format!("{kind}.sendmsg([b\"x\"], [], 0, {path:?})"));
    }
    let pair = "a, b = socket.socketpair(); a.send(b\"x\"); a.sendall(b\"y\"); sys.exit(b.recv(2) != b\"xy\")";
    let line = format!("/usr/bin/python3 -S -c 'import socket, sys; {pair}'");
    assert_eq!(stage.line(&line).code, 0, "what never leaves the fence works");
}

#[test]
fn no_process_outside_is_signalled_traced_or_read() {
    let mut victim = Victim(Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap());
    let pid = victim.0.id();
    for line in [
        format!("kill -0 {pid}"),
        format!("kill -STOP {pid} && kill -CONT {pid}"),
        format!("cat /proc/{pid}/environ"),
        format!("ls /proc/{pid}/root/"),
        // The first process inside shares guard's memory and environment.
        "cat /proc/$PPID/environ >/dev/null".to_owned(),
        "exec 3<>/proc/$PPID/mem".to_owned(),
        "ls -l /proc/$PPID/fd/0".to_owned(),
        "kill -0 $PPID".to_owned(),
    ] {
        held(&line);
    }
    assert_eq!(victim.0.try_wait().unwrap(), None);
    held_call("101, 0, 0, 0, 0"); // PTRACE_TRACEME
    held_python(
        "import mmap; b = ctypes.create_string_buffer(8)\n\
        libc = ctypes.CDLL(None)\n\
        iov = (ctypes.c_ulong * 2)(ctypes.addressof(b), 8)\n\
        sys.exit(libc.syscall(310, os.getpid(), iov, 1, iov, 1, 0) != 8)",
    );
}

#[test]
fn no_namespace_or_mount_is_made() {
    held("unshare -U true");
    held("unshare -rm mount -t tmpfs none /mnt");
    held("unshare -rn true");
    held_call("56, 0x10000000 | 17, 0, 0, 0, 0");
    held_call("428, -100, b\"/\", 0"); // open_tree
}

#[test]
fn system_calls_that_reach_past_other_checks_are_refused() {
    held_call("425, 4, ctypes.create_string_buffer(256)"); // io_uring_setup
    held_call("303, -100, b\"/\", (ctypes.c_int * 64)(128), ctypes.byref(ctypes.c_int()), 0"); // name_to_handle_at
    held_call("323, 1"); // userfaultfd, user mode only
    held_call("250, 0, -3, 1, 0, 0"); // keyctl: the session keyring
    if root() {
        held_call("321, 0, (ctypes.c_int * 32)(2, 4, 4, 1), 72"); // bpf: a map
        held_call("300, 0, 0"); // fanotify_init
        held_call("103, 10, 0, 0"); // syslog: size of the kernel's buffer
        held("hostname $(hostname)");
    }
}

#[test]
fn nothing_is_typed_into_a_terminal() {
    // On a kernel with dev.tty.legacy_tiocsti = 0 nobody can, fenced or not.
    if fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti").is_ok_and(|v| v.trim() == "0") {
        return;
    }
    for (number, value) in [("0x5412", "0x5412"), ("with high bits", "0xdead00005412")] {
        let code = format!(
            "m, s = os.openpty()\n\
             if os.fork(): sys.exit(os.WEXITSTATUS(os.wait()[1]))\n\
             os.setsid(); fcntl.ioctl(s, termios.TIOCSCTTY, 0)\n\
             libc = ctypes.CDLL(None)\n\
             os._exit(0 if libc.syscall(16, s, ctypes.c_ulong({value}), b\"x\") == 0 else 1)"
        );
        println!("{number}");
        held_python(&code);
    }
    // TIOCLINUX fails on a pseudo-terminal anyway, so there is no unfenced success to compare with: the filter's own
    // tests show its refusal.
}

#[test]
fn a_named_pipe_outside_is_not_written_to() {
    // A read-only mount does not stop this; Landlock does.
    let stage = Stage::new();
    let fifo = stage.root.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = format!("exec 3<>{}", fifo.display());
    assert_eq!(unfenced(&stage, &line).0, Some(0));
    assert_ne!(stage.line(&line).code, 0);
}

#[test]
fn shared_memory_of_the_machine_is_another() {
    let make = "import ctypes; print(ctypes.CDLL(None).shmget(0x67726400, 4096, 0o1666))";
    let remove = "import ctypes; l = ctypes.CDLL(None); l.shmctl(l.shmget(0x67726400, 0, 0), 0, 0)";
    let python = |code: &str| Command::new("/usr/bin/python3").args(["-c", code]).status().unwrap().success();
    assert!(python(make));
    held_python("sys.exit(ctypes.CDLL(None).shmget(0x67726400, 0, 0) < 0)");
    assert!(python(remove));
}

#[test]
fn root_reaches_no_device_and_no_switch_of_the_kernel() {
    if !root() {
        return;
    }
    held("cat /proc/sys/kernel/domainname > /proc/sys/kernel/domainname");
    if fs::exists("/proc/sysrq-trigger").unwrap() {
        held("exec 3> /proc/sysrq-trigger");
    }
    held("mknod node c 1 3");
    let disk = fs::read_dir("/sys/class/block").unwrap().flatten().next().expect("a disk").file_name();
    held(&format!("head -c0 /dev/{}", disk.to_string_lossy()));
    // A node that was in the project before.
    let stage = Stage::new();
    assert_eq!(unfenced(&stage, "mknod node c 1 3 && echo > node").0, Some(0));
    assert_ne!(stage.line("echo > node").code, 0);
}

#[test]
fn no_capability_and_no_new_privilege_is_left() {
    let seen = Stage::new().line("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    let none = "0000000000000000";
    let expected = format!(
        "CapInh:\t{none}\nCapPrm:\t{none}\nCapEff:\t{none}\nCapBnd:\t{none}\nCapAmb:\t{none}\nNoNewPrivs:\t1\nSeccomp:\t2\n"
    );
    assert_eq!(seen.out, expected);
}

#[test]
fn only_three_descriptors_are_open() {
    let folder = fs::File::open("/").unwrap();
    rustix::io::fcntl_setfd(&folder, rustix::io::FdFlags::empty()).unwrap();
    let seen = Stage::new().argv("/usr/bin/python3", &["-S", "-c", "import os; print(os.listdir(\"/proc/self/fd\"))"]);
    // The fourth is the listing itself.
    assert_eq!(seen.unwrap().out, "['0', '1', '2', '3']\n");
    drop(folder);
}

#[test]
fn the_project_s_owner_and_time_of_other_files_stay_the_same_after_a_run() {
    let stage = Stage::new();
    let of = |path: &str| fs::metadata(stage.place.project.join(path)).map(|m| (m.uid(), m.mode(), m.ino())).unwrap();
    let before = ["guard.toml", ".git/config", ".git/hooks", "build_audit.log"].map(of);
    stage.line("true");
    assert_eq!(["guard.toml", ".git/config", ".git/hooks", "build_audit.log"].map(of), before);
}
