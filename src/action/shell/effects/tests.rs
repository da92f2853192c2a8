//! What the table says of each program, and what is found of its arguments.

use super::*;

fn command(line: &str) -> Command {
    Command { words: line.split(' ').map(Word::known).collect(), ..Command::default() }
}

/// `r:a` for a path that is read, `w:`, `d:` for one that is removed; `w:dir/+a` where an entry of a folder may be meant.
fn shown(line: &str) -> String {
    let command = command(line);
    let Some(touches) = command.touches() else { return "unknown".to_owned() };
    let touches = touches.iter().map(|touch| {
        let mut marks = String::new();
        for (there, mark) in [(touch.effect.read, 'r'), (touch.effect.written, 'w'), (touch.effect.removed, 'd')] {
            if there {
                marks.push(mark);
            }
        }
        let entry = touch.entry().map_or(String::new(), |(entry, _)| format!(" or {entry}"));
        format!("{marks}:{}{entry}", touch.word.value.as_deref().unwrap_or("?"))
    });
    touches.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_table_is_sorted_so_that_it_can_be_searched() {
    assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    assert!(TABLE.iter().all(|(name, rows)| !rows.is_empty() && base_name_is(name)));
}

fn base_name_is(name: &str) -> bool {
    super::super::flags::base_name(name) == name
}

#[test]
fn every_program_does_what_its_manual_says() {
    let table = [
        ("frobnicate a", "unknown"),
        ("ls -la src", ""),
        ("cat a b", "r:a, r:b"),
        ("cp a b", "r:a, w:b or b/a"),
        ("cp -r src/a/ lib/b .", "r:src/a/, r:lib/b, w:. or ./a, w:. or ./b"),
        ("cp -rt dir a/b", "r:a/b, w:dir or dir/b"),
        ("cp --target-directory=dir -S .bak a", "r:a, w:dir or dir/a"),
        ("cp .. b", "r:.., w:b"),
        ("mv a b", "rd:a, w:b or b/a"),
        ("ln -sf ../x", "r:../x, w:. or ./x"),
        ("install -m 644 a b", "r:a, w:b or b/a"),
        ("install -d a b", "w:a, w:b"),
        ("rsync -a src/ host:/x", "r:src/"),
        ("rsync -e ssh host:/x dst", "w:dst or dst/x"),
        ("rm -rf a b", "d:a, d:b"),
        ("tee -a x", "w:x"),
        ("chmod 644 a", "w:a"),
        ("chmod --reference=r a", "w:a"),
        ("dd if=a of=b bs=1k", "r:a, w:b"),
        ("sed -i s/a/b/ f", "rw:f"),
        ("sed -i -e s/a/b/ f", "rw:f"),
        ("sed -n 1p f", "r:f"),
        ("grep -rn x src", "r:src"),
        ("grep -e x -A 3 src", "r:src"),
        ("grep -f pats src", "r:pats, r:src"),
        ("sort -u a -o b", "w:b, r:a"),
        ("sort -uo b a", "w:b, r:a"),
        ("sort -k 2 a", "r:a"),
        ("uniq -c a b", "r:a, w:b"),
        ("tree -o x src", "w:x"),
        ("tar xzf a.tgz", "r:a.tgz, w:."),
        ("tar -xf a.tgz -C out", "r:a.tgz, w:out"),
        ("tar czf out.tgz src", "w:out.tgz, r:src"),
        ("tar tf a.tgz", "r:a.tgz"),
        ("unzip -l a.zip", "r:a.zip"),
        ("unzip a.zip -d out", "w:out, r:a.zip"),
        ("unzip a.zip", "r:a.zip, w:."),
        ("curl -o x https://h/y", "w:x"),
        ("curl -sSLO https://h/d/y", "w:. or ./y"),
        ("wget -q https://h/d/y", "w:. or ./y"),
        ("wget -O - https://h/y", "w:-"),
        ("git rm -r a", "d:a"),
        ("git rm --cached a", ""),
        ("git -C sub mv a b", "rd:sub/a, w:sub/b or sub/b/a"),
        ("git checkout -- a", "w:a"),
        ("git checkout main", ""),
        ("git clean -fd", "d:."),
        ("git clean -fdn", ""),
        ("git push --force", ""),
        ("find . -delete", "d:."),
        ("find build -name *.o -delete", "d:build/**/*.o"),
        ("find . -name x", ""),
        ("find . -fprint out", "w:out"),
        ("black --check src", "r:src"),
        ("black src", "rw:src"),
        ("mktemp -p .git", "w:.git"),
        ("file -C -m magic", "w:magic"),
        ("gzip a", "rwd:a"),
        ("gzip -dc a", "r:a"),
        ("pip install --target=x y", "w:x"),
        ("pytest --junitxml=o.xml tests", "w:o.xml, r:tests"),
        ("mypy --html-report out src", "w:out, r:src"),
        ("touch -r a b", "w:b"),
        ("shred -u a", "wd:a"),
    ];
    for (line, expected) in table {
        assert_eq!((line, shown(line).as_str()), (line, expected));
    }
}

#[test]
fn a_flag_that_may_be_there_is_some_path_and_an_unknown_name_any_entry() {
    let mut sort = command("sort a");
    sort.words.push(Word { text: "$x".into(), ..Word::default() });
    let written =
        |command: &Command| command.touches().unwrap().iter().any(|t| t.effect.written && t.word.value.is_none());
    assert!(written(&sort));
    let mut copy = command("cp a src/");
    copy.words[1] = Word { text: "\"./$x\"".into(), prefix: "./".into(), ..Word::default() };
    let touches = copy.touches().unwrap();
    assert_eq!(touches[1].entry(), Some(("src/*".to_owned(), true)));
}

#[test]
fn whoever_looks_paths_up_is_told_of_all_of_them() {
    let mut texts = Vec::new();
    command("cp -t out --backup=x -S/y a/b").path_texts(|text| texts.push(text.to_owned()));
    for expected in ["out", "x", "/y", "a/b", "out/b"] {
        assert!(texts.iter().any(|text| text == expected), "{expected}: {texts:?}");
    }
}

#[test]
fn where_a_flag_may_make_a_program_milder_it_does_what_it_does_without() {
    // `xargs isort ../other` was taken for `isort --check` by an earlier table.
    for line in ["isort ../other", "black .."] {
        let mut open = command(line);
        open.open_ended = true;
        let touches = open.touches().unwrap();
        let known = |touch: &&Touch<'_>| touch.word.value.is_some();
        let harmed = touches.iter().filter(known).any(|t| t.effect.written);
        assert!(harmed, "{line}: {touches:?}");
    }
}
