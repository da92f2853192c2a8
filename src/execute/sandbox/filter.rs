//! The seccomp filter: which system calls a fenced command may not make, as a decision tree over their numbers.
//! Knows neither paths nor who is fenced.

use libc::{SYS_ioctl, c_long, sock_filter};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Allow,
    /// `EPERM`
    Refuse,
    /// `ENOSYS`: programs fall back to something that can be judged.
    Unknown,
    /// Ends the process.
    Kill,
    /// `clone`: not with new namespaces.
    Clone,
    /// `ioctl`: not the ones that type into a terminal, write to it, or shut others out.
    Ioctl,
    /// The first argument is a process: not the fence's first one.
    OfProcess,
    /// `setpriority`: the second argument is a process or a group; not the first one's, and no user's.
    Priority,
    /// `ioprio_set`: as `setpriority`, its kinds counted from 1.
    IoPriority,
    /// Guard is asked, and acts itself.
    Ask,
    /// `socket`: only local stream sockets, which can be neither connected nor bound.
    Socket,
    /// `socket` where guard is asked what becomes of it: TCP too, and nothing that could be sent without being connected.
    TcpSocket,
    /// `socketpair`: not datagrams, which can be sent to any socket by path.
    SocketPair,
    /// `sendto`: only without an address.
    SendTo,
    /// `sendto`, the same, where there are sockets that can be connected by it.
    SendToTcp,
    /// `sendmsg` and `sendmmsg`, whose flags are this argument: not to connect by sending.
    Sending(u32),
    /// `setsockopt`: no port is shared, no connection put off, no protocol laid over TCP, no route chosen.
    SocketOption,
}

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;
/// Numbers from here on are another ABI (x32).
const FOREIGN: u32 = 0x4000_0000;
/// The first number that is not known here (Linux 6.17): what it does cannot be judged.
const NEWER: u32 = 470;

const OPEN_TREE_ATTR: c_long = 467;

/// Calls that change mounts, other processes, the kernel, the clock, keys, or reach out.
const REFUSED: &[c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    OPEN_TREE_ATTR,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Calls that look as if this kernel were older, so that programs take the way that can be judged.
const UNKNOWN: &[c_long] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// What sockets can do without a network.
const SHUT: &[(c_long, Answer)] = &[
    (libc::SYS_connect, Answer::Refuse),
    (libc::SYS_bind, Answer::Refuse),
    (libc::SYS_listen, Answer::Refuse),
    (libc::SYS_accept, Answer::Refuse),
    (libc::SYS_accept4, Answer::Refuse),
    (libc::SYS_socket, Answer::Socket),
    (libc::SYS_sendto, Answer::SendTo),
];

/// What sockets can do where guard is asked.
const ASKED: &[(c_long, Answer)] = &[
    (libc::SYS_connect, Answer::Ask),
    (libc::SYS_bind, Answer::Ask),
    (libc::SYS_listen, Answer::Ask),
    (libc::SYS_socket, Answer::TcpSocket),
    (libc::SYS_sendto, Answer::SendToTcp),
    (libc::SYS_sendmsg, Answer::Sending(2)),
    (libc::SYS_sendmmsg, Answer::Sending(3)),
    (libc::SYS_setsockopt, Answer::SocketOption),
];

/// Calls judged by their arguments.
const JUDGED: &[(c_long, Answer)] = &[
    (libc::SYS_clone, Answer::Clone),
    (SYS_ioctl, Answer::Ioctl),
    (libc::SYS_socketpair, Answer::SocketPair),
    (libc::SYS_prlimit64, Answer::OfProcess),
    (libc::SYS_sched_setaffinity, Answer::OfProcess),
    (libc::SYS_sched_setscheduler, Answer::OfProcess),
    (libc::SYS_sched_setparam, Answer::OfProcess),
    (libc::SYS_sched_setattr, Answer::OfProcess),
    (libc::SYS_setpriority, Answer::Priority),
    (libc::SYS_ioprio_set, Answer::IoPriority),
];

/// Without an IPC namespace these reach the whole machine's shared memory, queues and semaphores.
const SHARED: &[c_long] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NAMESPACES: u32 = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
/// TIOCSTI types into the terminal, TIOCLINUX pastes into it, TIOCCONS takes the console's output. TCXONC sends the stop
/// character, which can be set to any byte, to a terminal that was only opened for reading, and can hold its output up.
/// TIOCSETD gives it another discipline, TIOCEXCL keeps everybody else from opening it.
const OF_TERMINALS: [u32; 6] = [0x5412, 0x541c, 0x541d, 0x540a, 0x5423, 0x540c];
/// PRIO_USER and IOPRIO_WHO_USER: every process of the user, the first one among them.
const PRIO_USER: u32 = 2;
const IOPRIO_WHO_USER: u32 = 3;
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const TCP: u32 = 6;
const MSG_FASTOPEN: u32 = 0x2000_0000;
const SOL_IP: u32 = 0;
const SOL_SOCKET: u32 = 1;
const SOL_IPV6: u32 = 41;
const SOCK_STREAM: u32 = 1;
const SOCK_SEQPACKET: u32 = 5;
const SOCK_TYPE: u32 = 0xf;

const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

const RET_ALLOW: u32 = 0x7fff_0000;
const RET_KILL: u32 = 0x8000_0000;
const RET_ERRNO: u32 = 0x0005_0000;
const RET_EPERM: u32 = RET_ERRNO | 1;
const RET_ENOSYS: u32 = RET_ERRNO | 38;
const RET_ENOPROTOOPT: u32 = RET_ERRNO | 92;
const RET_ASK: u32 = 0x7fc0_0000;

/// Options of sockets that are not set, by their level, and what is answered.
const OPTIONS: &[(u32, &[u32], u32)] = &[
    // SO_REUSEPORT
    (SOL_SOCKET, &[15], RET_ENOPROTOOPT),
    // TCP_FASTOPEN_CONNECT, TCP_ULP
    (TCP, &[30, 31], RET_ENOPROTOOPT),
    // By these an address that was judged would lead over another interface or another machine: SO_BINDTODEVICE,
    // SO_BINDTOIFINDEX
    (SOL_SOCKET, &[25, 62], RET_EPERM),
    // IP_OPTIONS (source routes), IP_UNICAST_IF
    (SOL_IP, &[4, 50], RET_EPERM),
    // IPV6_2292PKTOPTIONS, IPV6_RTHDR, IPV6_UNICAST_IF
    (SOL_IPV6, &[6, 57, 76], RET_EPERM),
];

fn op(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// Offset of the low half of argument `n` in `struct seccomp_data` (little endian).
const fn low(n: u32) -> u32 {
    16 + 8 * n
}

/// The program; `ipc` and `pids` say whether the command has an IPC and a pid namespace of its own, `asks` whether guard
/// answers for its sockets. `None` if it cannot be assembled.
pub(super) fn program(ipc: bool, pids: bool, asks: bool) -> Option<Vec<sock_filter>> {
    let shared = if ipc { &[][..] } else { SHARED };
    let mut table: Vec<(u32, Answer)> = Vec::with_capacity(128);
    for (numbers, answer) in [(REFUSED, Answer::Refuse), (UNKNOWN, Answer::Unknown), (shared, Answer::Refuse)] {
        for number in numbers {
            table.push((u32::try_from(*number).ok()?, answer));
        }
    }
    for (number, answer) in JUDGED.iter().chain(if asks { ASKED } else { SHUT }) {
        table.push((u32::try_from(*number).ok()?, *answer));
    }
    table.sort_unstable_by_key(|(number, _)| *number);

    // Where the answer changes along the axis of numbers.
    let mut steps: Vec<(u32, Answer)> = vec![(0, Answer::Allow)];
    let mut then = |at: u32, answer: Answer| {
        if steps.last().is_some_and(|(from, _)| *from == at) {
            steps.pop();
        }
        if steps.last().is_none_or(|(_, before)| *before != answer) {
            steps.push((at, answer));
        }
    };
    for (number, answer) in table {
        then(number, answer);
        then(number + 1, Answer::Allow);
    }
    then(NEWER, Answer::Unknown);
    then(FOREIGN, Answer::Kill);

    let mut code =
        vec![op(LOAD, 0, 0, 4), op(JUMP_EQUAL, 1, 0, AUDIT_ARCH), op(RETURN, 0, 0, RET_KILL), op(LOAD, 0, 0, 0)];
    code.extend(tree(&steps, pids)?);
    Some(code)
}

/// Where a comparison goes on.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// At another one, by its number.
    Compare(usize),
    Answer(Answer),
}

/// A binary search over the steps: at most seven comparisons for any call. Each answer stands once, behind all of them: the kernel
/// translates every instruction for every command.
fn tree(steps: &[(u32, Answer)], pids: bool) -> Option<Vec<sock_filter>> {
    let mut comparisons = Vec::with_capacity(steps.len());
    compare(steps, &mut comparisons)?;
    let (mut answers, mut places) = (Vec::new(), Vec::<(Answer, usize)>::new());
    for (_, below, above) in &comparisons {
        for next in [below, above] {
            if let Next::Answer(answer) = next
                && !places.iter().any(|(known, _)| known == answer)
            {
                places.push((*answer, comparisons.len() + answers.len()));
                answers.extend(leaf(*answer, pids));
            }
        }
    }
    let mut code = Vec::with_capacity(comparisons.len() + answers.len());
    for (number, (bound, below, above)) in comparisons.iter().enumerate() {
        let skip = |next: &Next| {
            let place = match next {
                Next::Compare(number) => *number,
                Next::Answer(answer) => places.iter().find(|(known, _)| known == answer)?.1,
            };
            u8::try_from(place - number - 1).ok()
        };
        code.push(op(JUMP_AT_LEAST, skip(above)?, skip(below)?, *bound));
    }
    code.extend(answers);
    Some(code)
}

/// Adds the comparisons that tell `steps` apart, and says where to begin.
fn compare(steps: &[(u32, Answer)], comparisons: &mut Vec<(u32, Next, Next)>) -> Option<Next> {
    if let [(_, answer)] = steps {
        return Some(Next::Answer(*answer));
    }
    let (below, above) = steps.split_at_checked(steps.len() / 2)?;
    let (bound, _) = above.first()?;
    let number = comparisons.len();
    comparisons.push((*bound, Next::Compare(number), Next::Compare(number)));
    let parts = (compare(below, comparisons)?, compare(above, comparisons)?);
    let entry = comparisons.get_mut(number)?;
    (entry.1, entry.2) = parts;
    Some(Next::Compare(number))
}

fn leaf(answer: Answer, pids: bool) -> Vec<sock_filter> {
    let ret = |k| op(RETURN, 0, 0, k);
    match answer {
        Answer::Allow => vec![ret(RET_ALLOW)],
        Answer::Refuse => vec![ret(RET_EPERM)],
        Answer::Unknown => vec![ret(RET_ENOSYS)],
        Answer::Kill => vec![ret(RET_KILL)],
        Answer::Clone => {
            vec![op(LOAD, 0, 0, low(0)), op(JUMP_ANY_BIT, 0, 1, NAMESPACES), ret(RET_EPERM), ret(RET_ALLOW)]
        }
        Answer::Ioctl => {
            let last = u8::try_from(OF_TERMINALS.len() - 1).unwrap_or(0);
            let refused = OF_TERMINALS.iter().zip((0..=last).rev());
            let mut code = vec![op(LOAD, 0, 0, low(1))];
            code.extend(refused.map(|(number, left)| op(JUMP_EQUAL, left, u8::from(left == 0), *number)));
            code.extend([ret(RET_EPERM), ret(RET_ALLOW)]);
            code
        }
        Answer::OfProcess => of_process(0, pids),
        Answer::Priority | Answer::IoPriority => {
            let user = if answer == Answer::Priority { PRIO_USER } else { IOPRIO_WHO_USER };
            let mut code = vec![op(LOAD, 0, 0, low(0)), op(JUMP_EQUAL, 0, 1, user), ret(RET_EPERM)];
            code.extend(of_process(1, pids));
            code
        }
        Answer::Socket | Answer::SocketPair => vec![
            op(LOAD, 0, 0, low(0)),
            op(JUMP_EQUAL, 0, 4, AF_UNIX),
            op(LOAD, 0, 0, low(1)),
            op(AND, 0, 0, SOCK_TYPE),
            op(JUMP_EQUAL, 2, 0, SOCK_STREAM),
            op(JUMP_EQUAL, 1, 0, SOCK_SEQPACKET),
            ret(RET_EPERM),
            ret(RET_ALLOW),
        ],
        Answer::Ask => vec![ret(RET_ASK)],
        Answer::TcpSocket => vec![
            op(LOAD, 0, 0, low(0)),
            op(JUMP_EQUAL, 8, 0, AF_UNIX),
            op(JUMP_EQUAL, 1, 0, AF_INET),
            op(JUMP_EQUAL, 0, 10, AF_INET6),
            op(LOAD, 0, 0, low(1)),
            op(AND, 0, 0, SOCK_TYPE),
            op(JUMP_EQUAL, 0, 7, SOCK_STREAM),
            op(LOAD, 0, 0, low(2)),
            op(JUMP_EQUAL, 6, 0, 0),
            op(JUMP_EQUAL, 5, 4, TCP),
            op(LOAD, 0, 0, low(1)),
            op(AND, 0, 0, SOCK_TYPE),
            op(JUMP_EQUAL, 2, 0, SOCK_STREAM),
            op(JUMP_EQUAL, 1, 0, SOCK_SEQPACKET),
            ret(RET_EPERM),
            ret(RET_ALLOW),
        ],
        Answer::SendTo => send_to(),
        Answer::SendToTcp => {
            let mut code = vec![op(LOAD, 0, 0, low(3)), op(JUMP_ANY_BIT, 0, 1, MSG_FASTOPEN), ret(RET_EPERM)];
            code.extend(send_to());
            code
        }
        Answer::Sending(flags) => {
            vec![op(LOAD, 0, 0, low(flags)), op(JUMP_ANY_BIT, 0, 1, MSG_FASTOPEN), ret(RET_EPERM), ret(RET_ALLOW)]
        }
        Answer::SocketOption => socket_option(),
    }
}

fn socket_option() -> Vec<sock_filter> {
    let mut code = Vec::new();
    for (level, names, answer) in OPTIONS {
        let count = u8::try_from(names.len()).unwrap_or(u8::MAX - 2);
        code.extend([op(LOAD, 0, 0, low(1)), op(JUMP_EQUAL, 0, count + 2, *level), op(LOAD, 0, 0, low(2))]);
        let named = names.iter().zip((0..count).rev());
        code.extend(named.map(|(name, left)| op(JUMP_EQUAL, left, u8::from(left == 0), *name)));
        code.push(op(RETURN, 0, 0, *answer));
    }
    code.push(op(RETURN, 0, 0, RET_ALLOW));
    code
}

fn send_to() -> Vec<sock_filter> {
    vec![
        op(LOAD, 0, 0, low(4)),
        op(JUMP_EQUAL, 0, 2, 0),
        op(LOAD, 0, 0, low(4) + 4),
        op(JUMP_EQUAL, 1, 0, 0),
        op(RETURN, 0, 0, RET_EPERM),
        op(RETURN, 0, 0, RET_ALLOW),
    ]
}

/// Argument `n` names a process or a group. In a pid namespace all but the first one (1) are the command's own; without
/// one, only the caller itself (0) is surely so.
fn of_process(n: u32, pids: bool) -> Vec<sock_filter> {
    let (bound, equal, other) = if pids { (1, RET_EPERM, RET_ALLOW) } else { (0, RET_ALLOW, RET_EPERM) };
    vec![op(LOAD, 0, 0, low(n)), op(JUMP_EQUAL, 0, 1, bound), op(RETURN, 0, 0, equal), op(RETURN, 0, 0, other)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn verdict(program: &[sock_filter], arch: u32, nr: u32, args: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend(nr.to_le_bytes());
        data.extend(arch.to_le_bytes());
        data.extend(0_u64.to_le_bytes());
        for arg in args {
            data.extend(arg.to_le_bytes());
        }
        let (mut at, mut acc) = (0_usize, 0_u32);
        loop {
            let i = program[at];
            at += 1;
            let k = i.k as usize;
            let mut jump = |yes: bool| at += usize::from(if yes { i.jt } else { i.jf });
            match i.code {
                LOAD => acc = u32::from_le_bytes(data[k..k + 4].try_into().unwrap()),
                AND => acc &= i.k,
                JUMP_EQUAL => jump(acc == i.k),
                JUMP_AT_LEAST => jump(acc >= i.k),
                JUMP_ANY_BIT => jump(acc & i.k != 0),
                RETURN => return i.k,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    fn plain(nr: c_long, args: [u64; 6]) -> u32 {
        verdict(&program(true, true, false).unwrap(), AUDIT_ARCH, u32::try_from(nr).unwrap(), args)
    }

    fn asked(nr: c_long, args: [u64; 6]) -> u32 {
        verdict(&program(true, true, true).unwrap(), AUDIT_ARCH, u32::try_from(nr).unwrap(), args)
    }

    #[test]
    fn every_number_gets_the_answer_its_table_says() {
        for ipc in [true, false] {
            let code = program(ipc, true, ipc).unwrap();
            for nr in 0..600_u32 {
                let n = c_long::from(nr);
                if JUDGED.iter().chain(SHUT).chain(ASKED).any(|(judged, _)| *judged == n) {
                    continue;
                }
                let expected = if REFUSED.contains(&n) || (!ipc && SHARED.contains(&n)) {
                    RET_EPERM
                } else if UNKNOWN.contains(&n) || nr >= NEWER {
                    RET_ENOSYS
                } else {
                    RET_ALLOW
                };
                assert_eq!(verdict(&code, AUDIT_ARCH, nr, [0; 6]), expected, "call {nr}, ipc {ipc}");
            }
        }
    }

    #[test]
    fn every_answer_stands_once_and_within_a_jump() {
        for [ipc, pids, asks] in (0..8).map(|n| [n & 1 != 0, n & 2 != 0, n & 4 != 0]) {
            let code = program(ipc, pids, asks).unwrap();
            let refused = code.iter().filter(|i| i.code == RETURN && i.k == RET_ENOSYS).count();
            assert!(code.len() < 230 && refused == 1, "{} instructions", code.len());
        }
    }

    #[test]
    fn a_foreign_abi_is_killed() {
        let code = program(true, true, true).unwrap();
        assert_eq!(verdict(&code, 0x4000_0003, 1, [0; 6]), RET_KILL);
        assert_eq!(verdict(&code, AUDIT_ARCH, FOREIGN | 41, [0; 6]), RET_KILL);
    }

    #[test]
    fn only_local_sockets_that_cannot_name_a_peer_are_made() {
        for nr in [libc::SYS_socket, libc::SYS_socketpair] {
            for (domain, kind, expected) in [
                (1, 1, RET_ALLOW),
                (1, 1 | 0o2_000_000 | 0o4_000, RET_ALLOW),
                (1, 5, RET_ALLOW),
                (1, 2, RET_EPERM),
                (1, 3, RET_EPERM),
                (2, 1, RET_EPERM),
                (2, 2, RET_EPERM),
                (10, 1, RET_EPERM),
                (16, 3, RET_EPERM),
                (17, 3, RET_EPERM),
                (38, 5, RET_EPERM),
                (40, 1, RET_EPERM),
            ] {
                assert_eq!(plain(nr, [domain, kind, 0, 0, 0, 0]), expected, "domain {domain} kind {kind}");
            }
        }
    }

    #[test]
    fn where_guard_is_asked_only_tcp_and_local_streams_are_made_and_nothing_connects_by_sending() {
        for (domain, kind, protocol, expected) in [
            (2, 1, 0, RET_ALLOW),
            (2, 1 | 0o2_004_000, 6, RET_ALLOW),
            (10, 1, 0, RET_ALLOW),
            (10, 1, 6, RET_ALLOW),
            (1, 1, 0, RET_ALLOW),
            (1, 5, 0, RET_ALLOW),
            // MPTCP, SCTP, UDP, UDP-Lite, raw, DCCP, local datagrams, netlink, packet, vsock, SMC
            (2, 1, 262, RET_EPERM),
            (10, 1, 262, RET_EPERM),
            (2, 1, 132, RET_EPERM),
            (2, 2, 0, RET_EPERM),
            (10, 2, 17, RET_EPERM),
            (2, 2, 136, RET_EPERM),
            (2, 3, 6, RET_EPERM),
            (2, 6, 33, RET_EPERM),
            (1, 2, 0, RET_EPERM),
            (16, 3, 0, RET_EPERM),
            (17, 3, 768, RET_EPERM),
            (40, 1, 0, RET_EPERM),
            (43, 1, 0, RET_EPERM),
        ] {
            let high = 0x7777_0000_0000_0000;
            let args = [domain | high, kind, protocol | high, 0, 0, 0];
            assert_eq!(asked(libc::SYS_socket, args), expected, "domain {domain} kind {kind} protocol {protocol}");
        }
        for nr in [libc::SYS_connect, libc::SYS_bind, libc::SYS_listen] {
            assert_eq!((plain(nr, [0; 6]), asked(nr, [0; 6])), (RET_EPERM, RET_ASK));
        }
        for nr in [libc::SYS_accept, libc::SYS_accept4] {
            assert_eq!((plain(nr, [0; 6]), asked(nr, [0; 6])), (RET_EPERM, RET_ALLOW));
        }
        let fast = u64::from(MSG_FASTOPEN) | 0x4000;
        assert_eq!(asked(libc::SYS_sendto, [3, 0, 0, fast, 0, 0]), RET_EPERM);
        assert_eq!(asked(libc::SYS_sendto, [3, 0, 0, 0x4000, 1, 16]), RET_EPERM);
        assert_eq!(asked(libc::SYS_sendto, [3, 0, 0, 0x4000, 0, 0]), RET_ALLOW);
        assert_eq!(asked(libc::SYS_sendmsg, [3, 0, fast, 0, 0, 0]), RET_EPERM);
        assert_eq!(asked(libc::SYS_sendmsg, [3, 0, 0x4000, 0, 0, 0]), RET_ALLOW);
        assert_eq!(asked(libc::SYS_sendmmsg, [3, 0, 1, fast, 0, 0]), RET_EPERM);
        assert_eq!(asked(libc::SYS_sendmmsg, [3, 0, 1, 0, 0, 0]), RET_ALLOW);
        for (level, name, expected) in [
            (1, 15, RET_ENOPROTOOPT),
            (6, 30, RET_ENOPROTOOPT),
            (6, 31, RET_ENOPROTOOPT),
            (1, 25, RET_EPERM),
            (1, 62, RET_EPERM),
            (0, 4, RET_EPERM),
            (0, 50, RET_EPERM),
            (41, 57, RET_EPERM),
            (41, 6, RET_EPERM),
            (41, 76, RET_EPERM),
            (1, 2, RET_ALLOW),
            (1, 30, RET_ALLOW),
            (1, 4, RET_ALLOW),
            (0, 1, RET_ALLOW),
            (0, 25, RET_ALLOW),
            (6, 1, RET_ALLOW),
            (6, 15, RET_ALLOW),
            (6, 25, RET_ALLOW),
            (41, 26, RET_ALLOW),
        ] {
            assert_eq!(asked(libc::SYS_setsockopt, [3, level, name, 0, 4, 0]), expected, "level {level} option {name}");
        }
    }

    #[test]
    fn high_halves_of_arguments_change_nothing() {
        let high = 0xdead_beef_0000_0000_u64;
        assert_eq!(plain(libc::SYS_socket, [2 | high, 1, 0, 0, 0, 0]), RET_EPERM);
        assert_eq!(plain(libc::SYS_ioctl, [0, 0x5412 | high, 0, 0, 0, 0]), RET_EPERM);
        assert_eq!(plain(libc::SYS_ioctl, [0, 0x541c, 0, 0, 0, 0]), RET_EPERM);
        assert_eq!(plain(libc::SYS_ioctl, [0, 0x5401, 0, 0, 0, 0]), RET_ALLOW);
        assert_eq!(plain(libc::SYS_prlimit64, [1 | high, 0, 0, 0, 0, 0]), RET_EPERM);
        assert_eq!(plain(libc::SYS_clone, [0x1000_0011 | high, 0, 0, 0, 0, 0]), RET_EPERM);
        assert_eq!(plain(libc::SYS_clone, [0x003d_0f00, 0, 0, 0, 0, 0]), RET_ALLOW);
        assert_eq!(plain(libc::SYS_sendto, [3, 0, 0, 0, 0, 0]), RET_ALLOW);
        assert_eq!(plain(libc::SYS_sendto, [3, 0, 0, 0, 1, 16]), RET_EPERM);
        assert_eq!(plain(libc::SYS_sendto, [3, 0, 0, 0, 1 << 32, 16]), RET_EPERM);
    }
    #[test]
    fn no_terminal_is_typed_into_written_to_or_kept_from_others() {
        for number in OF_TERMINALS {
            assert_eq!(plain(libc::SYS_ioctl, [0, number.into(), 0, 0, 0, 0]), RET_EPERM, "{number:#x}");
        }
        // TCGETS, TCSETS, TIOCSCTTY, TIOCGWINSZ, FIONREAD
        for number in [0x5401, 0x5402, 0x540e, 0x5413, 0x541b] {
            assert_eq!(plain(libc::SYS_ioctl, [0, number, 0, 0, 0, 0]), RET_ALLOW, "{number:#x}");
        }
    }

    #[test]
    fn the_first_process_is_neither_limited_nor_slowed_down() {
        // Whether the kind is a process, a group or a user; then the process.
        let answer = |pids, nr: c_long, args: [u64; 2]| {
            let code = program(pids, pids, false).unwrap();
            verdict(&code, AUDIT_ARCH, u32::try_from(nr).unwrap(), [args[0], args[1], 0, 0, 0, 0])
        };
        let by_first = [
            libc::SYS_prlimit64,
            libc::SYS_sched_setaffinity,
            libc::SYS_sched_setscheduler,
            libc::SYS_sched_setparam,
            libc::SYS_sched_setattr,
        ];
        for (process, inside, alone) in
            [(0, RET_ALLOW, RET_ALLOW), (1, RET_EPERM, RET_EPERM), (2, RET_ALLOW, RET_EPERM)]
        {
            for nr in by_first {
                assert_eq!(answer(true, nr, [process, 0]), inside, "call {nr}, process {process}");
                assert_eq!(answer(false, nr, [process, 0]), alone, "call {nr}, process {process}, no namespace");
            }
            for (nr, user) in [(libc::SYS_setpriority, 2), (libc::SYS_ioprio_set, 3)] {
                for kind in [user - 2, user - 1] {
                    assert_eq!(answer(true, nr, [kind, process]), inside, "call {nr}, kind {kind}, {process}");
                    assert_eq!(answer(false, nr, [kind, process]), alone, "call {nr}, kind {kind}, {process}");
                }
                assert_eq!(answer(true, nr, [user, process]), RET_EPERM, "call {nr}, user {process}");
            }
        }
    }
}
