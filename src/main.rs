//! The `guard` binary: hands the process over to its doors.
//!
//! The C library calls it without the standard library's own beginning, which looks for the end of the stack in
//! `/proc/self/maps`, which takes a twentieth of a plain exec; what guard needs of that, its door does.

#![no_main]

#[expect(unsafe_code, reason = "the C library finds its way in by this name, which nothing else here has")]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    guard::door::main()
}
