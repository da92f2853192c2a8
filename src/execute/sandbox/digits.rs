//! Numbers and paths of `/proc` as text, without allocating.
//! Knows no meaning of them.

use std::ffi::CStr;

/// Bytes of the longest path that is put together here.
pub(super) const LONGEST: usize = 48;

/// `before`, the number in decimal, `after`: written into `buffer`.
pub(super) fn path<'b>(buffer: &'b mut [u8; LONGEST], before: &[u8], number: i32, after: &[u8]) -> Option<&'b CStr> {
    let mut digits = [0_u8; 10];
    let mut rest = u32::try_from(number).ok()?;
    let mut count = 0;
    for digit in &mut digits {
        *digit = b'0' + u8::try_from(rest % 10).ok()?;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    let text = before.iter().chain(digits.get(..count)?.iter().rev()).chain(after).chain(&[0]);
    for (to, from) in buffer.iter_mut().zip(text) {
        *to = *from;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_put_between_two_texts() {
        for number in [0, 7, 10, 4096, i32::MAX] {
            let mut buffer = [0; LONGEST];
            let made = path(&mut buffer, b"/proc/self/fd/", number, b"").unwrap();
            assert_eq!(made.to_str().unwrap(), format!("/proc/self/fd/{number}"));
            let mut buffer = [0; LONGEST];
            let made = path(&mut buffer, b"/proc/", number, b"/smaps_rollup").unwrap();
            assert_eq!(made.to_str().unwrap(), format!("/proc/{number}/smaps_rollup"));
        }
        assert_eq!(path(&mut [0; LONGEST], b"", -1, b""), None);
    }
}
