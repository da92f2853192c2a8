//! System calls without the C library: the fence's first process shares guard's memory, and the C library keeps the
//! error of the last call there, for guard alone.
//! Knows no meaning of a call.

#![expect(unsafe_code, reason = "system calls are assembly")]

use std::arch::asm;
use std::ffi::c_void;

/// Where a process begins that shares the memory of the one that starts it. It must never return.
pub(super) type Entry = extern "C" fn(*mut c_void) -> !;

/// Makes system call `number`; what the kernel answers, errors as negative numbers.
///
/// # Safety
/// Pointers among `arguments` must be what the call takes them for.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn call(number: i64, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result: isize;
    // SAFETY: the kernel changes rax, rcx and r11, and memory as the caller promises.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result
}

/// As for the other architecture.
///
/// # Safety
/// Pointers among `arguments` must be what the call takes them for.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn call(number: i64, [a, b, c, d, e]: [usize; 5]) -> isize {
    let result: isize;
    // SAFETY: the kernel changes x0, and memory as the caller promises.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            options(nostack)
        );
    }
    result
}

/// Starts a process by `clone` with `flags`, on the stack that ends at `top`, at `entry` with `data`; its id or an error.
///
/// # Safety
/// `top` must be the aligned end of memory that nothing else uses and that outlives the process, as must `data`.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn clone(flags: usize, top: *mut c_void, entry: Entry, data: *mut c_void) -> isize {
    let result: isize;
    // SAFETY: the new process leaves at once for `entry` on its own stack and never comes back here.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone as isize => result,
            in("rdi") flags, in("rsi") top, in("rdx") 0, in("r10") 0, in("r8") 0,
            in("r12") entry, in("r13") data,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// As for the other architecture.
///
/// # Safety
/// `top` must be the aligned end of memory that nothing else uses and that outlives the process, as must `data`.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn clone(flags: usize, top: *mut c_void, entry: Entry, data: *mut c_void) -> isize {
    let result: isize;
    // SAFETY: the new process leaves at once for `entry` on its own stack and never comes back here.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x21",
            "blr x20",
            "brk 1",
            "2:",
            in("x8") libc::SYS_clone,
            inlateout("x0") flags => result,
            in("x1") top, in("x2") 0, in("x3") 0, in("x4") 0,
            in("x20") entry, in("x21") data,
        );
    }
    result
}
