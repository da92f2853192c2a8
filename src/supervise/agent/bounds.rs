//! Cutting a brief to size: what matters least goes first, and every cut is marked.
//! Knows nothing of what the parts mean to an agent.

use super::brief::{Allowed, Brief, CheckRun, Last, Refused, VERSION};

/// Bytes of a whole brief as JSON: the kernel takes 128 KiB for a variable with its name (`MAX_ARG_STRLEN`, `execve(2)`).
pub const WHOLE: usize = 120 * 1024;
/// Bytes of a step's output in a brief.
pub const EXCERPT: usize = 32 * 1024;
/// Bytes of a text and entries of a list, tried one after another where nothing else helps. With the last of them every brief fits.
const TIGHTER: [usize; 6] = [8192, 2048, 512, 128, 32, 8];

/// `text` in `bytes` at most: its beginning and, since tools conclude at the end, more of its end, with a mark between them.
pub fn excerpt(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    // The mark is of some 40 bytes; where there is no room for it the cut is named in `cut` alone.
    let room = bytes.saturating_sub(48);
    let head = text.get(..text.floor_char_boundary(room / 4)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - (room - room / 4))..).unwrap_or_default();
    let left_out = text.len() - head.len() - tail.len();
    let mark = format!("\n[guard: {left_out} bytes left out]\n");
    if head.len() + mark.len() + tail.len() <= bytes {
        return format!("{head}{mark}{tail}");
    }
    text.get(..text.floor_char_boundary(bytes.saturating_sub(3))).unwrap_or_default().to_owned() + "…"
}

/// `brief` as it fits, and its JSON.
pub(super) fn fitted(brief: &Brief) -> (Brief, String) {
    let mut brief = Brief { version: VERSION, ..brief.clone() };
    let output = brief.last.as_ref().map_or_else(String::new, |last| last.output.clone());
    let mut room = EXCERPT;
    if output.len() > room {
        shorten_output(&mut brief, &output, room);
    }
    let mut json = written(&brief);
    // Escaping makes a text up to six times as long, by how much is seen only when it is written.
    while json.len() > WHOLE && !output.is_empty() && room > 0 {
        room = if room < 1024 { 0 } else { room / 2 };
        shorten_output(&mut brief, &output, room);
        json = written(&brief);
    }
    if json.len() > WHOLE && !brief.refused.is_empty() {
        json = fewer_refused(&mut brief);
    }
    for limit in TIGHTER {
        if json.len() <= WHOLE {
            break;
        }
        tighten(&mut brief, limit);
        json = written(&brief);
    }
    (brief, json)
}

fn written(brief: &Brief) -> String {
    // Its keys are texts and its values plain: writing it cannot fail.
    serde_json::to_string(brief).unwrap_or_default()
}

/// The output anew from the whole of it, so that a mark counts what is really left out.
fn shorten_output(brief: &mut Brief, whole: &str, to: usize) {
    const NAME: &str = "last.output";
    if let Some(last) = &mut brief.last {
        last.output = if to == 0 { String::new() } else { excerpt(whole, to) };
    }
    if !brief.cut.iter().any(|cut| cut == NAME) {
        brief.cut.push(NAME.to_owned());
    }
}

/// Leaves out refusals, the oldest first, until the rest fits.
fn fewer_refused(brief: &mut Brief) -> String {
    let all = std::mem::take(&mut brief.refused);
    let named = |left_out: usize| format!("refused: the oldest {left_out} of {}", all.len());
    let plain = brief.cut.len();
    brief.cut.push(named(all.len()));
    let mut room = WHOLE.saturating_sub(written(brief).len());
    let kept = all.iter().rev().take_while(|refused| {
        let bytes = serde_json::to_string(refused).map_or(usize::MAX, |json| json.len() + 1);
        // The key itself, which is left out where the list is empty.
        let fits = bytes.saturating_add(16) <= room;
        room = room.saturating_sub(bytes);
        fits
    });
    let kept = kept.count();
    brief.refused = all.iter().skip(all.len() - kept).cloned().collect();
    brief.cut.truncate(plain);
    if kept < all.len() {
        brief.cut.push(named(all.len() - kept));
    }
    written(brief)
}

/// Every text to `limit` bytes, every list to `limit` entries.
fn tighten(brief: &mut Brief, limit: usize) {
    let Brief { version: _, phase, attempt: _, budget, last, stuck, cleaned, iteration, allowed, refused, checks, cut } =
        brief;
    let said = cut.len();
    texts([&mut phase.id, &mut phase.description], limit);
    texts(phase.goal.iter_mut().chain(stuck), limit);
    for list in [&mut phase.accept, &mut phase.files, cleaned, &mut iteration.open, cut] {
        list.truncate(limit);
        texts(list, limit);
    }
    while budget.left.len() > limit {
        budget.left.pop_last();
    }
    budget.left = std::mem::take(&mut budget.left).into_iter().map(|(name, n)| (excerpt(&name, limit), n)).collect();
    if let Some(Last { step, command, category, message, output, tests }) = last {
        texts([step, command, category, message, output], limit);
        tests.truncate(limit);
        texts(tests, limit);
    }
    allowed.truncate(limit);
    for Allowed { call, what, example } in allowed {
        texts([call, what, example], limit);
    }
    // The newest are worth most.
    refused.drain(..refused.len().saturating_sub(limit));
    for Refused { what, rule, reason, instead } in refused {
        texts([what, rule, reason].into_iter().chain(instead), limit);
    }
    checks.truncate(limit);
    for CheckRun { step, command } in checks {
        texts([step, command], limit);
    }
    cut.truncate(said.min(2));
    cut.push(format!("texts of more than {limit} bytes, and lists of more than {limit} entries"));
}

fn texts<'a>(all: impl IntoIterator<Item = &'a mut String>, limit: usize) {
    for text in all {
        if text.len() > limit {
            *text = excerpt(text, limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::brief::PhaseBrief;
    use super::*;

    fn with_output(output: String) -> Brief {
        Brief { last: Some(Last { output, ..Last::default() }), ..Brief::default() }
    }

    fn refusals(n: usize, bytes: usize) -> Vec<Refused> {
        (0..n).map(|i| Refused { what: format!("{i:05} {}", "w".repeat(bytes)), ..Refused::default() }).collect()
    }

    #[test]
    fn an_excerpt_keeps_the_beginning_and_more_of_the_end_and_says_how_much_is_gone() {
        assert_eq!(excerpt("short", 64), "short");
        let text = format!("{}{}{}", "a".repeat(100), "b".repeat(1000), "c".repeat(100));
        let cut = excerpt(&text, 148);
        assert_eq!(cut, format!("{}\n[guard: 1100 bytes left out]\n{}", "a".repeat(25), "c".repeat(75)));
        for bytes in 0..300 {
            let text = "é€𝄞".repeat(100);
            let cut = excerpt(&text, bytes);
            assert!(cut.len() <= bytes.max(3), "{bytes}: {}", cut.len());
            assert!(cut.contains('…') || cut.contains("bytes left out]"), "{bytes}: {cut}");
        }
    }

    #[test]
    fn what_fits_is_left_alone() {
        let brief = Brief { version: VERSION, refused: refusals(3, 10), ..with_output("x".repeat(EXCERPT)) };
        assert_eq!(fitted(&brief).0, brief);
    }

    #[test]
    fn a_long_output_is_cut_once_and_the_mark_counts_what_is_left_out() {
        // One byte of output becomes six of JSON.
        let brief = with_output("\u{1}".repeat(300_000));
        let (cut, json) = fitted(&brief);
        assert!(json.len() <= WHOLE, "{}", json.len());
        let output = cut.last.unwrap().output;
        let kept = output.chars().filter(|c| *c == '\u{1}').count();
        assert!(kept > 8000, "{kept}");
        assert!(output.contains(&format!("\n[guard: {} bytes left out]\n", 300_000 - kept)), "{output:?}");
        assert_eq!(output.matches("[guard:").count(), 1);
        assert_eq!(cut.cut, ["last.output"]);
    }

    #[test]
    fn then_the_oldest_refusals_go() {
        let brief = Brief { refused: refusals(500, 1000), ..with_output("x".repeat(40_000)) };
        let (cut, json) = fitted(&brief);
        assert!(json.len() <= WHOLE && json.len() > WHOLE - 1200, "{}", json.len());
        assert_eq!(cut.last.unwrap().output, "");
        let kept = cut.refused.len();
        assert_eq!(cut.cut, ["last.output".to_owned(), format!("refused: the oldest {} of 500", 500 - kept)]);
        assert_eq!(cut.refused, brief.refused[500 - kept..]);
    }

    #[test]
    fn whatever_a_plan_holds_the_object_fits_and_can_be_read_again() {
        let long = || "\u{1}é".repeat(5_000);
        let many = || vec![long(); 50];
        let brief = Brief {
            phase: PhaseBrief {
                id: long(),
                description: long(),
                goal: Some(long()),
                accept: many(),
                files: vec!["f".into(); 40_000],
                mode: None,
            },
            stuck: Some(long()),
            cleaned: many(),
            refused: refusals(3, 20_000),
            checks: vec![CheckRun { step: long(), command: long() }; 30],
            cut: many(),
            ..with_output(long())
        };
        let (cut, json) = fitted(&brief);
        assert!(json.len() <= WHOLE, "{}", json.len());
        assert!(json.len() > 10_000, "no more is left out than need be: {}", json.len());
        assert_eq!(serde_json::from_str::<Brief>(&json).unwrap(), cut);
        assert!(cut.cut.iter().any(|cut| cut.starts_with("texts of more than")), "{:?}", cut.cut);
    }

    #[test]
    fn an_object_with_a_key_that_is_not_known_is_not_a_brief() {
        let json = Brief::default().json();
        assert!(serde_json::from_str::<Brief>(&json).is_ok());
        assert!(serde_json::from_str::<Brief>(&json.replacen('{', "{\"more\":1,", 1)).is_err());
    }
}
